import type { BigQueryClient } from "./bigquery-client.js";

/** A column as the service tells of it, and takes it. */
export interface FieldSchema {
  readonly name: string;
  readonly type: string;
  readonly mode?: string;
  readonly description?: string;
}

/** The part of a table's resource that is used; `replaceTable` gives back all of it. */
export interface TableResource {
  readonly tableReference: { readonly tableId: string };
  readonly etag?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly schema?: { readonly fields?: readonly FieldSchema[] };
  /** Milliseconds since the epoch. */
  readonly creationTime?: string;
  readonly expirationTime?: string;
  /** Rows that are in storage: those of loads and statements. */
  readonly numRows?: string;
}

/** What lists of tables tell. */
export type ListedTable = Pick<TableResource, "tableReference" | "labels">;

const pageSize = "1000";

/** Where the dataset is. @throws SnapshotError STORE_CONSTRAINT when there is none */
export async function datasetLocation(client: BigQueryClient): Promise<string | undefined> {
  const { dataset, project } = client.place;
  const { body } = await client.call({
    method: "GET",
    path: `/datasets/${dataset}`,
    doing: `find the dataset ${project}.${dataset}, which has to be there`,
  });
  return (body as { location?: string }).location;
}

export async function listTables(client: BigQueryClient): Promise<ListedTable[]> {
  const tables: ListedTable[] = [];
  let pageToken: string | undefined;
  do {
    const { body } = await client.call({
      method: "GET",
      path: tablesPath(client),
      query: { maxResults: pageSize, pageToken },
      doing: "list the tables of the dataset",
    });
    const page = body as { tables?: ListedTable[]; nextPageToken?: string };
    tables.push(...(page.tables ?? []));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && pageToken !== "");
  return tables;
}

export async function getTable(client: BigQueryClient, table: string): Promise<TableResource | undefined> {
  const { status, body } = await client.call({
    method: "GET",
    path: `${tablesPath(client)}/${table}`,
    accept: [404],
    doing: `look at the table ${table}`,
  });
  return status === 404 ? undefined : (body as TableResource);
}

/** @returns the table, or undefined when there is one of this name already. */
export async function insertTable(
  client: BigQueryClient,
  table: string,
  resource: Omit<TableResource, "tableReference">,
): Promise<TableResource | undefined> {
  const { project, dataset } = client.place;
  const { status, body } = await client.call({
    method: "POST",
    path: tablesPath(client),
    body: { tableReference: { projectId: project, datasetId: dataset, tableId: table }, ...resource },
    accept: [409],
    doing: `create the table ${table}`,
  });
  return status === 409 ? undefined : (body as TableResource);
}

/** @returns the table, or undefined when it is not the one that was read any more. */
export async function replaceTable(
  client: BigQueryClient,
  resource: TableResource,
): Promise<TableResource | undefined> {
  const table = resource.tableReference.tableId;
  const { status, body } = await client.call({
    method: "PUT",
    path: `${tablesPath(client)}/${table}`,
    body: resource,
    etag: resource.etag,
    accept: [404, 412],
    doing: `add columns to the table ${table}`,
  });
  return status >= 400 ? undefined : (body as TableResource);
}

/** Does nothing when there is none. */
export async function deleteTable(client: BigQueryClient, table: string): Promise<void> {
  await client.call({
    method: "DELETE",
    path: `${tablesPath(client)}/${table}`,
    accept: [404],
    doing: `delete the table ${table}`,
  });
}

function tablesPath({ place }: BigQueryClient): string {
  return `/datasets/${place.dataset}/tables`;
}
