import { fromDatabase } from "../../pipelines/index.js";
import { UsageError } from "../command.js";
import { countText } from "../progress.js";
import type { CatalogEntry, PipelineResult } from "./catalog-entry.js";
import { defaultOutput, outputOf } from "./merge-options.js";

export const fromDatabaseEntry: CatalogEntry = {
  name: "fromDatabase",
  summary: "Build a snapshot of the rows of a PostgreSQL table or query, to seed browsers with.",
  options: [
    {
      name: "source",
      kind: "text",
      value: "URL",
      help: "postgres://USER@HOST/DATABASE; the password comes from PGPASSWORD or a password file.",
    },
    { name: "table", kind: "text", value: "NAME", help: "The table or view whose rows are read." },
    { name: "query", kind: "text", value: "SQL", help: "The query whose rows are read, instead of a table." },
    { name: "schema", kind: "text", value: "NAME", help: "The schema of the table.", defaultText: "public" },
    {
      name: "key",
      kind: "list",
      value: "COLUMN,...",
      help: "The column of the records' keys, or several for array keys.",
    },
    {
      name: "store",
      kind: "text",
      value: "NAME",
      help: "The object store.",
      defaultText: "the table's name",
    },
    {
      name: "database",
      kind: "text",
      value: "NAME",
      help: "Name of the IndexedDB database.",
      defaultText: "app",
    },
    {
      name: "output",
      kind: "text",
      value: "FOLDER",
      help: "Where the snapshot goes.",
      defaultText: defaultOutput,
    },
    { name: "numShards", kind: "number", help: "Number of snapshot files.", defaultText: "1" },
  ],
  build: (options) => {
    const { source, table, query, schema, database = "app", numShards } = options;
    const store = options.store ?? table;
    const key = options.key as readonly string[] | undefined;
    if (source === undefined) throw new UsageError("--source is missing: postgres://USER@HOST/DATABASE.");
    if ((table === undefined) === (query === undefined))
      throw new UsageError("Give either --table or --query: what is read.");
    if (store === undefined) throw new UsageError("--store is missing: the object store of the records.");
    if (key === undefined) throw new UsageError("--key is missing: the column of the records' keys.");
    return fromDatabase({
      source: source as string,
      ...(table === undefined ? {} : { table: table as string }),
      ...(query === undefined ? {} : { query: query as string }),
      ...(schema === undefined ? {} : { schema: schema as string }),
      key: key.length === 1 ? key[0]! : key,
      store: store as string,
      database: database as string,
      output: outputOf(options),
      numShards: numShards as number | undefined,
    });
  },
  outputOf,
  hasSummary: false,
  resultText,
};

function resultText({ runner, output, seconds, counters }: PipelineResult): string {
  const read = Object.entries(counters)
    .filter(([name]) => name.startsWith("recordsRead/"))
    .reduce((sum, [, count]) => sum + count, 0);
  const folder = output.endsWith("/") ? output : `${output}/`;
  return `fromDatabase on ${runner}: ${countText(read)} rows in ${seconds.toFixed(1)} s.\n  ${folder}seed-*.idbsnap   load it with importDB, look at it with: npx beam-indexeddb inspect ${folder}seed-00000-of-00001.idbsnap\n`;
}
