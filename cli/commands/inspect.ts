import type { DatabaseSchema, SnapshotReader } from "../../snapshot/index.js";
import { type Command, exitCodes, jsonOption, UsageError } from "../command.js";
import { openFile } from "../open-file.js";
import { bytesText, countText } from "../progress.js";
import { printable, textTable } from "../table.js";

/** Shows what a snapshot holds, from its footer alone: no record is read. */
export const inspectCommand: Command = {
  name: "inspect",
  argumentsText: "<file>... [--json]",
  summary: "Show a snapshot's database, schema, counts and origin, without reading its records.",
  options: [jsonOption],
  async run({ arguments: files, options, terminal }) {
    if (files.length === 0)
      throw new UsageError("inspect needs a file: beam-indexeddb inspect notes.idbsnap");
    const all: object[] = [];
    for (const file of files) {
      await using snapshot = await openFile(file);
      if (options.json === true) all.push(jsonOf(file, snapshot));
      else await terminal.out(textOf(file, snapshot));
    }
    if (options.json === true)
      await terminal.out(`${JSON.stringify(files.length === 1 ? all[0] : all, null, 2)}\n`);
    return exitCodes.ok;
  },
};

function jsonOf(file: string, { header, schema, summary }: SnapshotReader): object {
  return { file, ...summary, header: { ...header, database: undefined }, schema };
}

function textOf(file: string, { header, schema, summary, blocks }: SnapshotReader): string {
  const { device, capturedAt, sequence } = header.origin;
  const lines = [
    file,
    `  database     ${printable(schema.name)}, version ${schema.version}`,
    `  captured     ${new Date(capturedAt).toISOString()}${device === "" ? "" : ` on device ${printable(device)}`}${(sequence ?? 0) > 0 ? `, sequence ${sequence}` : ""}`,
    `  id           ${summary.id}`,
    ...(header.delta ? [`  follows      ${header.delta.base}`] : []),
    ...(header.shard
      ? [`  shard        ${header.shard.index + 1} of ${header.shard.count} of set ${header.shard.set}`]
      : []),
    ...(header.createdBy === undefined ? [] : [`  created by   ${printable(header.createdBy)}`]),
    `  size         ${bytesText(summary.bytes)}, ${countText(summary.records)} records in ${countText(blocks.length)} blocks`,
    `  attachments  ${countText(summary.attachments.count)} (${bytesText(summary.attachments.bytes)})`,
    ...summary.unportable.map(
      ({ store, type, count, policy }) =>
        `  unportable   ${count} ${printable(type)} in ${printable(store)}: ${policy}`,
    ),
  ];
  const rows = summary.stores.map((store) => [
    store.name,
    store.records,
    store.deleted,
    bytesText(store.rawBytes),
    keyOf(schema, store.name),
    indexesOf(schema, store.name),
  ]);
  return `${lines.join("\n")}\n\n${textTable(["object store", "records", "deleted", "size", "key", "indexes"], rows)}\n`;
}

function keyOf(schema: DatabaseSchema, name: string): string {
  const { keyPath, autoIncrement, keyGenerator } = schema.objectStores.find((store) => store.name === name)!;
  const path =
    keyPath === null ? "out-of-line" : typeof keyPath === "string" ? keyPath : `[${keyPath.join(", ")}]`;
  return `${path}${autoIncrement ? `, autoIncrement${keyGenerator ? ` (next ${keyGenerator.currentNumber})` : ""}` : ""}`;
}

function indexesOf(schema: DatabaseSchema, name: string): string {
  const { indexes } = schema.objectStores.find((store) => store.name === name)!;
  return (
    indexes
      .map((index) => `${index.name}${index.unique ? " unique" : ""}${index.multiEntry ? " multiEntry" : ""}`)
      .join(", ") || "-"
  );
}
