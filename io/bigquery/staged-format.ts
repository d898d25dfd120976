import { registerFunctions } from "../../beam/index.js";
import type { FileWriter } from "../file/file-system.js";
import { ParquetFormat } from "../parquet/parquet-format.js";
import type { RecordFileHead, RecordFileWriter, RecordFormat } from "../record-files/record-format.js";
import { bigqueryColumns } from "./table-schema.js";

/** Row groups are read as a whole; BigQuery advises against large ones. */
const rowGroupRows = 100_000;
const rowGroupBytes = 32 << 20;

/** The files that BigQuery loads. */
export class StagedFormat implements RecordFormat {
  readonly name = "bigquery";
  readonly columns = bigqueryColumns;

  open(file: FileWriter, head: RecordFileHead): Promise<RecordFileWriter> {
    return new ParquetFormat("snappy", rowGroupRows, rowGroupBytes, bigqueryColumns).open(file, head);
  }
}

registerFunctions("beam-indexeddb/io", { StagedFormat });
