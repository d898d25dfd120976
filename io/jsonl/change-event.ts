import { packageVersion, type SnapshotRecord } from "../../snapshot/index.js";
import type { TablePlan } from "../table/column.js";
import { issuesJson, type TableRow } from "../table/table-row.js";
import { jsonColumns } from "./json-row.js";

/**
 * A record as an event in the envelope of Debezium: `op` is "r" for a record as the snapshot has it and "d" for a deletion, `before` is null, as a snapshot does not
 * say what was there, `after` holds the columns, `source` says where it was, `ts_ms` when it was captured. Beside the envelope stand the
 * record's key, which Debezium sends as the key of the message, and `_rest` and `_issues` inside `after`, where there are some.
 * Source: the envelope in Debezium's documentation of its connectors ("Change event values").
 */
export function changeEvent(record: SnapshotRecord, plan: TablePlan, row: TableRow): string {
  const { database, store, deleted, origin } = record;
  const issues = issuesJson(row);
  const after = [
    jsonColumns(plan, row),
    ...(row.rest === null ? [] : [`"_rest":${row.rest}`]),
    ...(issues === null ? [] : [`"_issues":${issues}`]),
  ].filter((members) => members !== "");
  const source = JSON.stringify({
    version: packageVersion,
    connector: "beam-indexeddb",
    name: database,
    ts_ms: origin.capturedAt,
    snapshot: "true",
    db: database,
    table: store,
    device: origin.device,
    snapshot_id: origin.snapshot,
    sequence: origin.sequence,
  });
  return `{"key":${row.keyJson},"before":null,"after":${deleted ? "null" : `{${after.join(",")}}`},"source":${source},"op":"${deleted ? "d" : "r"}","ts_ms":${origin.capturedAt}}`;
}
