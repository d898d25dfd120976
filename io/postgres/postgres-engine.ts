import { registerFunctions } from "../../beam/index.js";
import type { TableEngine, TableSession } from "../table/table-engine.js";
import { earliestDate } from "./cell-text.js";
import { type PostgresClient, connect, release } from "./connect.js";
import type { PostgresPlace } from "./connection.js";
import { createPostgresTables } from "./postgres-tables.js";
import { withRetries } from "./retry.js";
import { writeBatches } from "./write-batches.js";

/** A schema of a PostgreSQL database as a store of tables. */
export class PostgresEngine implements TableEngine {
  readonly name = "postgres";
  // An index entry has to fit a third of a page.
  readonly limits = { earliestDate, nul: false, maxKeyBytes: 2_500 };
  readonly place: PostgresPlace;
  readonly schema: string;
  readonly maxAttempts: number;

  constructor(place: PostgresPlace, schema: string, maxAttempts: number) {
    this.place = place;
    this.schema = schema;
    this.maxAttempts = maxAttempts;
  }

  open(): TableSession {
    const { place, schema, maxAttempts } = this;
    let client: PostgresClient | undefined;
    const giveBack = async (reusable: boolean): Promise<void> => {
      const given = client;
      client = undefined;
      if (given) await release(place, given, reusable);
    };
    /** A connection whose transaction failed is not used again: the server rolls back when it ends. */
    const attempt = <T>(body: (open: PostgresClient) => Promise<T>): Promise<T> =>
      withRetries(maxAttempts, async () => {
        client ??= await connect(place);
        try {
          return await body(client);
        } catch (error) {
          await giveBack(false);
          throw error;
        }
      });
    return {
      createTables: (statistics, wishes) =>
        attempt(async (open) => {
          await open.run("BEGIN ISOLATION LEVEL READ COMMITTED");
          const plans = await createPostgresTables(open, schema, statistics, wishes);
          await open.run("COMMIT");
          return plans;
        }),
      writeBatches: (batches, mode) => attempt((open) => writeBatches(open, schema, batches, mode)),
      close: () => giveBack(true),
    };
  }
}

registerFunctions("beam-indexeddb/io", { PostgresEngine });
