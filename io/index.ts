/** Sources and sinks: docs/io.md. */
export { type EmptyMatchTreatment, matchAll, matchFiles, type MatchOptions } from "./file/match.js";
export { type FileMetadata } from "./file/file-system.js";
export {
  readAllFromIndexedDB,
  type ReadAllFromIndexedDBOptions,
  readFromIndexedDB,
  type ReadFromIndexedDBOptions,
  readMatches,
} from "./indexeddb/read.js";
export { readGroupsFromIndexedDB, type ReadGroupsOptions } from "./indexeddb/read-groups.js";
export {
  writeToIndexedDB,
  type WriteToIndexedDBOptions,
  type WriteToIndexedDBResult,
} from "./indexeddb/write.js";
export { type Destination, type DestinationFunction } from "./indexeddb/destination.js";
export { type WrittenFile } from "./indexeddb/publish-shards.js";
export { openAttachment } from "./indexeddb/open-attachment.js";
export { openSnapshot } from "./indexeddb/open-snapshot.js";
export { attachSchemas, schemasOf } from "./indexeddb/schema-flow.js";
export { type ErrorTreatment, type FailedRecord } from "./failed-record.js";
export { nodePlatform } from "./node-platform.js";
export { writeToAvro, type WriteToAvroOptions } from "./avro/write.js";
export { type BigQueryDataset } from "./bigquery/bigquery-place.js";
export { type SchemaUpdate } from "./bigquery/prepare-tables.js";
export { writeToBigQuery, type WriteToBigQueryOptions } from "./bigquery/write.js";
export { writeToCsv, type WriteToCsvOptions } from "./csv/write.js";
export { readFromJsonLines, type ReadFromJsonLinesOptions } from "./jsonl/read.js";
export { writeToJsonLines, type WriteToJsonLinesOptions } from "./jsonl/write.js";
export { writeToDuckdb, type WriteToDuckdbOptions } from "./duckdb/write.js";
export { writeToParquet, type WriteToParquetOptions } from "./parquet/write.js";
export { type WriteRecordFilesOptions } from "./record-files/record-file-options.js";
export { type WriteRecordFilesResult } from "./record-files/write-record-files.js";
export { type WrittenRecordFile } from "./record-files/publish-record-files.js";
export { writeToJson, type WriteToJsonResult } from "./json/write.js";
export { type ValueForm } from "./postgres/column-value.js";
export { readFromPostgres, type ReadFromPostgresOptions } from "./postgres/read.js";
export { type PostgresConnection, type PostgresServer } from "./postgres/connection.js";
export {
  writeToPostgres,
  type WriteToPostgresOptions,
  type WriteToPostgresResult,
} from "./postgres/write.js";
export { writeToSqlite, type WriteToSqliteOptions, type WriteToSqliteResult } from "./sqlite/write.js";
export { type TableCounts } from "./table/table-counts.js";
export { type WriteToTablesOptions } from "./table/table-options.js";
export { type WriteToTablesResult } from "./table/write-to-tables.js";
export { fromTaggedJson } from "./table/parse-tagged-json.js";
export { toTaggedJson } from "./table/tagged-json.js";
export { recoverFile, type RecoveryReport } from "./indexeddb/recover-file.js";
export { discardTempFolders } from "./file/temp-folder.js";
export { convertFile, type ConvertOptions } from "./convert/convert-file.js";
export {
  type ConversionIssue,
  type ConversionIssueCode,
  conversionIssueCodes,
  type ConversionReport,
  type ConvertedFormat,
} from "./convert/conversion.js";
