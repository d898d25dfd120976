import { inspect } from "node:util";
import { toTaggedJson } from "../../io/index.js";
import { encodeKeyRange, type KeyRange, type SnapshotRecord } from "../../snapshot/index.js";
import { type Command, exitCodes, UsageError } from "../command.js";
import { openFile } from "../open-file.js";
import { printable } from "../table.js";

/** Prints records, one a line. */
export const catCommand: Command = {
  name: "cat",
  argumentsText: "<file> [--stores=NAME,...] [--key=JSON] [--from=JSON] [--to=JSON] [--limit=N] [--json]",
  summary:
    "Print the records of a snapshot, one a line: as JSON with tags for what JSON lacks (--json), or as readable text.",
  details:
    'Keys are given as JSON: --key=\'"note 1"\', --from=10 --to=\'["a",2]\', or a date: --from=\'{"date":"2026-01-01"}\'.',
  options: [
    {
      name: "stores",
      kind: "list",
      value: "NAME,...",
      help: "Only these object stores.",
      defaultText: "all",
    },
    { name: "key", kind: "text", value: "JSON", help: "Only the record with this key." },
    { name: "from", kind: "text", value: "JSON", help: "Only keys from this one on." },
    { name: "to", kind: "text", value: "JSON", help: "Only keys up to this one." },
    { name: "limit", kind: "number", help: "At most so many records." },
    { name: "json", kind: "flag", help: "One JSON object a line." },
  ],
  async run({ arguments: files, options, terminal }) {
    const [file, more] = files;
    if (file === undefined || more !== undefined)
      throw new UsageError("cat needs one file: beam-indexeddb cat notes.idbsnap");
    const limit = (options.limit as number | undefined) ?? Infinity;
    const keyRange = checkedRange(options as Readonly<Record<string, string | undefined>>);
    const stores = options.stores as readonly string[] | undefined;
    await using snapshot = await openFile(file);
    let printed = 0;
    for await (const batch of snapshot.recordBatches({ stores, keyRange })) {
      for (const record of batch) {
        if (printed >= limit) return exitCodes.ok;
        printed++;
        const full = terminal.out(options.json === true ? `${jsonOf(record)}\n` : lineOf(record));
        if (full) await full;
      }
    }
    return exitCodes.ok;
  },
};

function checkedRange(options: Readonly<Record<string, string | undefined>>): KeyRange | undefined {
  const range = rangeOf(options);
  try {
    if (range) encodeKeyRange(range);
  } catch (cause) {
    // A bound that no key can be, or bounds the wrong way round.
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  return range;
}

function rangeOf({ key, from, to }: Readonly<Record<string, string | undefined>>): KeyRange | undefined {
  if (key !== undefined && (from !== undefined || to !== undefined)) {
    throw new UsageError("--key names one record: it goes without --from and --to.");
  }
  if (key !== undefined) return { lower: parseKey(key, "key"), upper: parseKey(key, "key") };
  if (from === undefined && to === undefined) return undefined;
  return {
    ...(from === undefined ? {} : { lower: parseKey(from, "from") }),
    ...(to === undefined ? {} : { upper: parseKey(to, "to") }),
  };
}

function parseKey(text: string, option: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError(
      `--${option} is a key as JSON, such as --${option}='"note 1"' or --${option}=10, not ${text}.`,
    );
  }
  return keyOf(parsed);
}

function keyOf(parsed: unknown): unknown {
  if (Array.isArray(parsed)) return parsed.map(keyOf);
  if (typeof parsed === "object" && parsed !== null && "date" in parsed) return new Date(String(parsed.date));
  return parsed;
}

function lineOf(record: SnapshotRecord): string {
  const shown = record.deleted ? "(deleted)" : textOf(record.value);
  return `${printable(record.store)} ${textOf(record.key)} ${shown}\n`;
}

function textOf(value: unknown): string {
  return printable(
    inspect(value, { depth: 8, breakLength: Infinity, maxArrayLength: 50, maxStringLength: 500 }),
  );
}

/** Written part by part: the parts that may hold what JSON lacks are tagged JSON already. */
function jsonOf({ database, store, key, value, deleted, origin }: SnapshotRecord): string {
  const head = JSON.stringify({ database, store }).slice(0, -1);
  const body = deleted ? '"deleted":true' : `"value":${toTaggedJson(value)}`;
  return `${head},"key":${toTaggedJson(key)},${body},"origin":${JSON.stringify(origin)}}`;
}
