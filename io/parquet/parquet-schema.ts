import type { SchemaElement } from "hyparquet";
import {
  type Column,
  type ColumnKind,
  metadataColumns,
  type MetadataColumn,
  type TablePlan,
} from "../table/column.js";
import { type Cell, issuesJson, type TableRow } from "../table/table-row.js";

/** A value as the writer takes it. */
export type ParquetValue = boolean | bigint | number | string | Uint8Array | undefined;

/** One column of a file. */
export interface ParquetColumn {
  readonly element: SchemaElement;
  value(row: TableRow): ParquetValue;
}

type ElementType = Omit<SchemaElement, "name" | "repetition_type">;

const text: ElementType = { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } };
const bytes: ElementType = { type: "BYTE_ARRAY" };
const instant: ElementType = {
  type: "INT64",
  converted_type: "TIMESTAMP_MILLIS",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" },
};
const int64: ElementType = { type: "INT64" };
/**
 * A text and not the logical type JSON: readers that check it refuse the whole file for one text that is JSON but no Unicode (half a surrogate pair, escaped), and
 * any page may have put one in.
 */
const json: ElementType = text;

const elementTypes: Readonly<Record<ColumnKind, ElementType>> = {
  boolean: { type: "BOOLEAN" },
  integer: int64,
  number: { type: "DOUBLE" },
  bigint: int64,
  text,
  date: instant,
  binary: bytes,
  json,
};

/** The columns of a store's files, metadata first: what an engine of tables would have, in the types of Parquet. */
export function parquetColumns(plan: TablePlan, loadId: string): ParquetColumn[] {
  const metadata: Readonly<Record<MetadataColumn, [ElementType, ParquetColumn["value"], isRequired?: true]>> =
    {
      // A copy: the key is a view of a piece of a run, which would be held with it.
      _key: [bytes, ({ key }) => key.slice(), true],
      _key_json: [json, ({ keyJson }) => keyJson, true],
      _device: [text, ({ device }) => device, true],
      _version: [bytes, ({ version }) => version, true],
      _deleted: [{ type: "BOOLEAN" }, ({ deleted }) => deleted, true],
      _extracted_at: [instant, ({ extractedAt }) => BigInt(extractedAt.getTime()), true],
      _load_id: [text, () => loadId, true],
      _rest: [json, ({ rest }) => rest ?? undefined],
      _issues: [json, (row) => issuesJson(row) ?? undefined],
    };
  return [
    ...metadataColumns.map((name) => {
      const [type, value, isRequired] = metadata[name];
      return { element: elementOf(name, type, isRequired), value };
    }),
    ...plan.columns.map((column, i) => ({
      element: elementOf(column.name, elementTypes[column.kind]),
      value: ({ cells }: TableRow) => parquetValue(cells[i]!, column),
    })),
  ];
}

/** The schema of a file, its root first. */
export function parquetSchema(columns: readonly ParquetColumn[]): SchemaElement[] {
  return [{ name: "root", num_children: columns.length }, ...columns.map(({ element }) => element)];
}

function elementOf(name: string, type: ElementType, isRequired = false): SchemaElement {
  return { name, repetition_type: isRequired ? "REQUIRED" : "OPTIONAL", ...type };
}

function parquetValue(cell: Cell, { kind }: Column): ParquetValue {
  if (cell === null) return undefined;
  if (kind === "integer") return BigInt(cell as number);
  return cell instanceof Date ? BigInt(cell.getTime()) : cell;
}
