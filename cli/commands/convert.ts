import { convertFile, type ConversionReport } from "../../io/index.js";
import { type Command, exitCodes, jsonOption, UsageError } from "../command.js";
import { bytesText, countText, createProgress } from "../progress.js";
import { printable } from "../table.js";

export const convertCommand: Command = {
  name: "convert",
  argumentsText: "<file> --output=PATH [--database=NAME] [--origin=URL] [--json]",
  summary:
    "Turn a file of dexie-export-import, or a storage state of Playwright, into a snapshot, and say what it had lost.",
  details: "Exit code 0 when all that the file announces is there, 3 when rows are missing.",
  options: [
    { name: "output", kind: "text", value: "PATH", help: "The snapshot to write." },
    {
      name: "database",
      kind: "text",
      value: "NAME",
      help: "Which database of a storage state; needed when there are several.",
    },
    { name: "origin", kind: "text", value: "URL", help: "Which origin of a storage state." },
    {
      name: "device",
      kind: "text",
      value: "ID",
      help: "Device id in the snapshot.",
      defaultText: "the file's name",
    },
    jsonOption,
  ],
  async run({ arguments: files, options, terminal }) {
    const [file, more] = files;
    const output = options.output as string | undefined;
    if (file === undefined || more !== undefined || output === undefined)
      throw new UsageError(
        "convert needs one file and an output: beam-indexeddb convert dump.json --output=notes.idbsnap",
      );
    if (output === file) throw new UsageError("--output must be another file.");
    const progress = createProgress(terminal);
    const report = await convertFile(file, output, {
      database: options.database as string | undefined,
      origin: options.origin as string | undefined,
      device: options.device as string | undefined,
      onProgress(done, total) {
        progress.update(`${printable(file)}: ${Math.floor((done / total) * 100)} % of ${bytesText(total)}`);
      },
    }).finally(() => {
      progress.end();
    });
    await terminal.out(
      options.json === true
        ? `${JSON.stringify({ file, output, ...report })}\n`
        : textOf(file, output, report),
    );
    return report.complete ? exitCodes.ok : exitCodes.incomplete;
  },
};

function textOf(file: string, output: string, report: ConversionReport): string {
  const { database, version, summary, issues, format } = report;
  return [
    `${printable(file)} (${format}): database ${printable(database)}, version ${version}, ${countText(summary.records)} records written to ${printable(output)}.`,
    ...(issues.length > 0 ? ["What the file had lost before, or may have:"] : []),
    ...issues.map(({ code, store, count, message }) => {
      const where = store === undefined ? "" : ` ${printable(store)}`;
      const often = count === undefined ? "" : ` (${countText(count)})`;
      return `  ${code}${where}${often}: ${printable(message)}`;
    }),
    "",
  ].join("\n");
}
