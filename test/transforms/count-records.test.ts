import { test } from "vitest";
import { create, runDirect } from "../../beam/index.js";
import { SnapshotRecord } from "../../snapshot/index.js";
import { assertElements, assertRecords } from "../../testing/index.js";
import { countRecords, selectStore, type StoreCount } from "../../transforms/index.js";

const record = (store: string, key: number, device: string, deleted = false) =>
  SnapshotRecord.of({
    store,
    key,
    value: deleted ? undefined : { key },
    deleted,
    origin: { device, snapshot: "", capturedAt: 1, sequence: 0 },
  }) as SnapshotRecord;

interface Store {
  readonly key: number;
  readonly value: unknown;
}
type Stores = Record<"notes" | "none", Store>;

const records = [record("notes", 1, "phone"), record("notes", 2, "laptop", true), record("tags", 1, "phone")];

test("counts records, tombstones, bytes and devices of each object store", async () => {
  const bytesOf = (store: string) =>
    records
      .filter((one) => one.store === store)
      .reduce((sum, { keyBytes, valueBytes }) => sum + keyBytes.length + (valueBytes?.length ?? 0), 0);
  await runDirect((root) => {
    root
      .apply(create(records))
      .apply(countRecords())
      .apply(
        assertElements<StoreCount>([
          { store: "notes", records: 2, deleted: 1, bytes: bytesOf("notes"), devices: ["laptop", "phone"] },
          { store: "tags", records: 1, deleted: 0, bytes: bytesOf("tags"), devices: ["phone"] },
        ]),
      );
  });
});

test("counts nothing of nothing", async () => {
  await runDirect((root) => {
    root.apply(create<SnapshotRecord>([])).apply(countRecords()).apply(assertElements<StoreCount>([]));
  });
});

test("selects the records of one object store", async () => {
  await runDirect((root) => {
    const input = root.apply(create(records));
    input.apply(selectStore<Stores, "notes">("notes")).apply(assertRecords(records.slice(0, 2)));
    input.apply(selectStore<Stores, "none">("none")).apply(assertRecords([]));
  });
});
