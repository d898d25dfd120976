import { metadataColumns } from "../table/column.js";
import type { ColumnRules } from "./record-format.js";

/** Columns of formats that take any names: those of PostgreSQL's length, so that a name stays what it is when the data moves on. */
export const fileColumns: ColumnRules = {
  identifiers: { maxBytes: 63, reserved: [] },
  maxColumns: 2000 - metadataColumns.length,
  limits: {},
};
