import { type DataSet, putAll } from "./data-set.js";
import { readAll } from "./raw-read.js";
import { createDatabase } from "./requests.js";
import { startTransactionClock } from "./transaction-clock.js";

/** The hand-written loops, in a worker as the package's own export and import are. */
export interface RawJob {
  readonly kind: "read" | "write" | "write and read back";
  readonly name: string;
  readonly data: DataSet;
}

addEventListener("message", (event) => {
  const { kind, name, data } = (event as MessageEvent<RawJob>).data;
  const clock = startTransactionClock(name);
  run(kind, name, data).then(
    () => postMessage({ transactionMs: clock.read() }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});

async function run(kind: RawJob["kind"], name: string, data: DataSet): Promise<void> {
  if (kind === "read") {
    const records = await readAll(name, Math.max(1, Math.min(1000, Math.floor(1_000_000 / data.bytes))));
    if (records !== data.records) throw new Error(`${records} of ${data.records} records were read.`);
    return;
  }
  const db = await createDatabase(name);
  await putAll(db, data, kind === "write and read back");
  db.close();
}
