import { DuckDBInstance } from "@duckdb/node-api";

/** Rows of a query over a file that nobody else has open. */
export async function queryDuckdb(file: string, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
