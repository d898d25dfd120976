import { toHex } from "../../snapshot/index.js";
import type { Cell } from "../table/table-row.js";

/** What becomes of texts that a spreadsheet would run as a formula. */
export type FormulaTreatment = "keep" | "escape";

export const formulaTreatments: readonly FormulaTreatment[] = ["keep", "escape"];

/** Source: OWASP, "CSV Injection": these characters at the start of a cell make a formula of it. Full-width forms are read as the plain ones by some programs. */
const formulaStart = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const plainNumber = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/;

/**
 * A cell's text before quoting; undefined for NULL. Numbers as JavaScript writes them, infinities as `Infinity`, booleans as `true` and `false`, Date as ISO 8601, bytes
 * as hexadecimal digits.
 */
export function cellText(cell: Cell): string | undefined {
  if (cell === null) return undefined;
  if (typeof cell !== "object") return String(cell);
  return cell instanceof Date ? cell.toISOString() : toHex(cell);
}

/** Is this the text of a formula to a spreadsheet? A number with a sign is a number. */
export function isFormula(text: string): boolean {
  return formulaStart.test(text) && !plainNumber.test(text);
}

/**
 * A field by RFC 4180: in quotes where it has a separator, a quote or an end of line. NULL is nothing at all, the empty text is a pair of quotes, so that they stay
 * apart; so is a text with spaces at its ends, which some readers would drop.
 */
export function quoted(text: string | undefined): string {
  if (text === undefined) return "";
  if (text !== "" && !/[",;\t\r\n]|^\s|\s$|^\ufeff/.test(text)) return text;
  return `"${text.replaceAll('"', '""')}"`;
}
