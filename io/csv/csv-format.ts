import { registerFunctions } from "../../beam/index.js";
import { toHex } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import { fileColumns } from "../record-files/file-columns.js";
import type { RecordFileHead, RecordFileWriter, RecordFormat } from "../record-files/record-format.js";
import { TextFile, type TextCompression } from "../record-files/text-file.js";
import { metadataColumns } from "../table/column.js";
import { type CellIssue, toTableRow } from "../table/table-row.js";
import { cellText, type FormulaTreatment, isFormula, quoted } from "./csv-cell.js";

/** Comma-separated values, as RFC 4180 has them: a line of names, then a line a record, each ended by CR LF. */
export class CsvFormat implements RecordFormat {
  readonly name = "csv";
  readonly columns = fileColumns;
  readonly compression: TextCompression;
  readonly formulas: FormulaTreatment;

  constructor(compression: TextCompression, formulas: FormulaTreatment) {
    this.compression = compression;
    this.formulas = formulas;
  }

  open(file: FileWriter, { plan, loadId, versionBy }: RecordFileHead): RecordFileWriter {
    const { columns } = plan!;
    const text = new TextFile(file, this.compression);
    const names = [...metadataColumns, ...columns.map(({ name }) => this.safe(name))];
    let head = `${names.map(quoted).join(",")}\r\n`;
    return {
      add: (record) => {
        const row = toTableRow(record, plan!, versionBy);
        const issues: Issue[] = [...row.issues];
        const guarded = (column: string, value: string | undefined): string | undefined => {
          const safe = value === undefined ? undefined : this.safe(value);
          if (safe !== value) issues.push({ column, issue: "formula-escaped" });
          return safe;
        };
        const cells = columns.map(({ name, kind }, i) => {
          const cell = cellText(row.cells[i]!);
          return kind === "text" ? guarded(name, cell) : cell;
        });
        const fields = [
          toHex(row.key),
          guarded("_key_json", row.keyJson),
          guarded("_device", row.device),
          toHex(row.version),
          String(row.deleted),
          row.extractedAt.toISOString(),
          guarded("_load_id", loadId),
          row.rest ?? undefined,
        ];
        const noted = issues.length === 0 ? undefined : JSON.stringify(issues);
        const line = `${[...fields, noted, ...cells].map(quoted).join(",")}\r\n`;
        const before = head;
        head = "";
        return text.add(before + line);
      },
      finish: async () => {
        // Without a record there are still the names.
        await text.add(head);
        await text.finish();
      },
    };
  }

  private safe(text: string): string {
    return this.formulas === "escape" && isFormula(text) ? `'${text}` : text;
  }
}

/** `formula-escaped`: the text stands behind an apostrophe, which is not part of it. */
type Issue = CellIssue | { readonly column: string; readonly issue: "formula-escaped" };

registerFunctions("beam-indexeddb/io", { CsvFormat });
