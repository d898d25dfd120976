import { registerFunctions } from "../../beam/index.js";
import { packageVersion } from "../../snapshot/index.js";
import type { FileWriter } from "../file/file-system.js";
import { fileColumns } from "../record-files/file-columns.js";
import type {
  ColumnRules,
  RecordFileHead,
  RecordFileWriter,
  RecordFormat,
} from "../record-files/record-format.js";
import { type TableRow, toTableRow } from "../table/table-row.js";
import { parquetColumns, parquetSchema, type ParquetValue } from "./parquet-schema.js";

/** How pages are compressed. */
export type ParquetCodec = "snappy" | "none";

export const parquetCodecs: readonly ParquetCodec[] = ["snappy", "none"];

/** Apache Parquet files of rows. Source: the Apache Parquet format 2.11, LogicalTypes. */
export class ParquetFormat implements RecordFormat {
  readonly name = "parquet";
  readonly columns: ColumnRules;
  readonly codec: ParquetCodec;
  readonly rowGroupRows: number;
  readonly rowGroupBytes: number;

  constructor(
    codec: ParquetCodec,
    rowGroupRows: number,
    rowGroupBytes: number,
    columns: ColumnRules = fileColumns,
  ) {
    this.columns = columns;
    this.codec = codec;
    this.rowGroupRows = rowGroupRows;
    this.rowGroupBytes = rowGroupBytes;
  }

  async open(
    file: FileWriter,
    { plan, loadId, versionBy, ...head }: RecordFileHead,
  ): Promise<RecordFileWriter> {
    const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
    const columns = parquetColumns(plan!, loadId);
    const bytes = new ByteWriter();
    const take = async (): Promise<void> => {
      const chunk = bytes.getBytes().slice();
      // What `offset` counts are the bytes of the whole file; `index` is the place in the buffer.
      bytes.index = 0;
      await file.write(chunk);
    };
    const writer = new ParquetWriter({
      writer: Object.assign(bytes, { flush: take }),
      schema: parquetSchema(columns),
      codec: this.codec === "snappy" ? "SNAPPY" : "UNCOMPRESSED",
      createdBy: `beam-indexeddb ${packageVersion}`,
      kvMetadata: [
        { key: "beam-indexeddb:database", value: JSON.stringify(head.database) },
        { key: "beam-indexeddb:store", value: JSON.stringify(head.store) },
        { key: "beam-indexeddb:columns", value: JSON.stringify(plan!.columns) },
      ],
    });
    let group: ParquetValue[][] = columns.map(() => []);
    let rows = 0;
    let groupBytes = 0;
    const writeGroup = async (): Promise<void> => {
      const data = group;
      const rowGroupSize = rows;
      group = columns.map(() => []);
      rows = 0;
      groupBytes = 0;
      await writer.write({
        columnData: columns.map(({ element }, i) => ({
          name: element.name,
          data: data[i]!,
          // The writer keeps the bounds of every group, as whole values, until the file ends: none of those that can be long.
          statistics: element.type !== "BYTE_ARRAY" || element.name === "_key",
        })),
        rowGroupSize,
      });
    };
    return {
      add: (record) => {
        const row = toTableRow(record, plan!, versionBy, this.columns.limits);
        columns.forEach((column, i) => group[i]!.push(column.value(row)));
        rows++;
        groupBytes += sizeOf(row);
        return rows >= this.rowGroupRows || groupBytes >= this.rowGroupBytes ? writeGroup() : undefined;
      },
      finish: async () => {
        if (rows > 0) await writeGroup();
        await writer.finish();
        await take();
      },
    };
  }
}

/** About the bytes that a row takes in memory until its group is written. */
function sizeOf({ key, keyJson, version, rest, cells }: TableRow): number {
  let size = 8 * cells.length + key.length + keyJson.length + version.length + (rest?.length ?? 0);
  for (const cell of cells) {
    if (typeof cell === "string") size += cell.length;
    else if (cell instanceof Uint8Array) size += cell.length;
  }
  return size;
}

registerFunctions("beam-indexeddb/io", { ParquetFormat });
