import { type Counter, type CounterFamily, registerFunctions } from "../../beam/index.js";
import { type Key, type Origin, SnapshotError, SnapshotRecord } from "../../snapshot/index.js";
import { quoteIdentifier } from "../table/identifier.js";
import { type ValueForm, columnReader } from "./column-value.js";
import { type PostgresClient, connect, release } from "./connect.js";
import type { PostgresPlace } from "./connection.js";
import { isPassing, toStoreError } from "./postgres-error.js";
import { withRetries } from "./retry.js";

/** What is read, as plain data: it travels to the worker. */
export interface ReadSettings {
  readonly place: PostgresPlace;
  readonly sql: string;
  readonly schema: string;
  readonly database: string;
  readonly store: string;
  readonly key: string | readonly string[];
  readonly as: Readonly<Record<string, ValueForm>>;
  readonly origin: Origin;
  readonly batchRows: number;
  readonly maxAttempts: number;
}

export interface ReadRowsContext {
  readonly records: CounterFamily;
  readonly failures: Counter;
}

interface Reading {
  readonly client: PostgresClient;
  readonly rows: readonly (readonly (string | null)[])[];
  readonly toRecord: (row: readonly (string | null)[]) => SnapshotRecord;
}

/** Reads the rows of one query from one snapshot of the database, a batch at a time, and emits each batch. */
export class ReadRows {
  readonly settings: ReadSettings;

  constructor(settings: ReadSettings) {
    this.settings = settings;
  }

  async *process(_: unknown, context: ReadRowsContext): AsyncGenerator<SnapshotRecord[]> {
    const { place, store, batchRows, maxAttempts } = this.settings;
    // Nothing is emitted before the first rows are here: until then it can be tried again.
    const { client, rows: first, toRecord } = await withRetries(maxAttempts, () => this.start());
    let complete = false;
    try {
      for (let rows = first; rows.length > 0; { rows } = await client.query(fetchSql(batchRows))) {
        context.records.increment(store, rows.length);
        yield rows.map(toRecord);
      }
      await client.run("COMMIT");
      complete = true;
    } catch (error) {
      context.failures.increment();
      throw isPassing(error) ? toStoreError(error, 1) : toStoreError(error, maxAttempts);
    } finally {
      await release(place, client, complete);
    }
  }

  private async start(): Promise<Reading> {
    const { place, sql, schema, batchRows } = this.settings;
    const client = await connect(place);
    try {
      await client.run(
        `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path TO ${quoteIdentifier(schema)}, pg_temp`,
      );
      await client.query(`DECLARE beam_indexeddb_rows NO SCROLL CURSOR FOR ${sql}`);
      const { rows, fields } = await client.query(fetchSql(batchRows));
      return { client, rows, toRecord: this.recordMaker(fields) };
    } catch (error) {
      await release(place, client, false);
      throw error;
    }
  }

  private recordMaker(
    fields: readonly { readonly name: string; readonly dataTypeID: number }[],
  ): Reading["toRecord"] {
    const { database, store, key, as, origin } = this.settings;
    const names = fields.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      throw new SnapshotError(
        "STORE_CONSTRAINT",
        `The query gives two columns "${twice}", of which a value could have one. Name them apart: SELECT a.id AS a_id, b.id AS b_id.`,
      );
    const missing = [key, Object.keys(as)].flat().find((name) => !names.includes(name));
    if (missing !== undefined)
      throw new SnapshotError(
        "STORE_CONSTRAINT",
        `There is no column "${missing}". The columns are: ${names.join(", ")}.`,
      );
    const readers = fields.map(({ name, dataTypeID }) =>
      columnReader(name, dataTypeID, Object.hasOwn(as, name) ? as[name] : undefined),
    );
    return (row) => {
      const value: Record<string, unknown> = {};
      for (const [i, text] of row.entries()) {
        const cell = text === null ? null : readers[i]!(text);
        // Assignment to `__proto__` would set a prototype.
        Object.defineProperty(value, names[i]!, {
          value: cell,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
      const keyOf = (name: string): unknown => value[name];
      const recordKey = (typeof key === "string" ? keyOf(key) : key.map(keyOf)) as Key;
      return SnapshotRecord.of({ database, store, key: recordKey, value, origin });
    };
  }
}

function fetchSql(batchRows: number): string {
  return `FETCH FORWARD ${batchRows} FROM beam_indexeddb_rows`;
}

registerFunctions("beam-indexeddb/io", { ReadRows });
