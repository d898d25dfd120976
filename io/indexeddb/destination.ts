import { SnapshotError, type SnapshotRecord } from "../../snapshot/index.js";
import { storeId } from "../table/store-statistics.js";

/** Names the snapshot that a record goes to; "" is the one at the prefix itself. */
export type DestinationFunction = (record: SnapshotRecord) => string;

/** One snapshot for all, one a database, one a device, or one for each name that a registered function gives. */
export type Destination = "one" | "database" | "device" | DestinationFunction;

/** @param destination "store": one for each object store of each database, by `storeId`. */
export function destinationOf(destination: Destination | "store", record: SnapshotRecord): string {
  if (destination === "one") return "";
  if (destination === "store") return storeId(record.database, record.store);
  if (destination === "database") return record.database;
  if (destination === "device") return record.origin.device;
  const name: unknown = destination(record);
  if (typeof name === "string") return name;
  throw new SnapshotError(
    "STORE_CONSTRAINT",
    `The destination function gave a ${name === null ? "null" : typeof name} for ${record.describe()}: it must give the snapshot's name, a string.`,
    { store: record.store, key: record.describeKey(), file: record.source },
  );
}
