/** Rows under headings, columns aligned; columns of numbers to the right. Text from data is made printable first. */
export function textTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en-US") : printable(cell))),
  );
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...cells.map((row) => row[i]!.length)),
  );
  const line = (row: readonly string[], isHeading: boolean) =>
    row
      .map((cell, i) =>
        rows.length > 0 &&
        rows.every((one) => typeof one[i] === "number") &&
        !(isHeading && rows.length === 0)
          ? cell.padStart(widths[i]!)
          : cell.padEnd(widths[i]!),
      )
      .join("  ")
      .trimEnd();
  return [line(headings, true), ...cells.map((row) => line(row, false))]
    .map((text) => `  ${text}\n`)
    .join("");
}

/** Names come from strangers' data: control characters (which could drive a terminal) are shown, not sent. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
