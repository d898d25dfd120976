import { recoverFile, type RecoveryReport } from "../../io/index.js";
import { type Command, exitCodes, jsonOption, UsageError } from "../command.js";
import { bytesText, countText, createProgress } from "../progress.js";
import { printable } from "../table.js";

export const recoverCommand: Command = {
  name: "recover",
  argumentsText: "<file> [--output=PATH] [--json]",
  summary:
    "Read every intact record of a truncated or damaged snapshot into a new one, and say what is missing.",
  details:
    "Exit code 0 when nothing was lost, 3 when something was. Without --output the file is only examined.",
  options: [{ name: "output", kind: "text", value: "PATH", help: "The new snapshot." }, jsonOption],
  async run({ arguments: files, options, terminal }) {
    const [file, more] = files;
    if (file === undefined || more !== undefined)
      throw new UsageError(
        "recover needs one file: beam-indexeddb recover damaged.idbsnap --output=saved.idbsnap",
      );
    const output = options.output as string | undefined;
    if (output === file)
      throw new UsageError("--output must be another file: the damaged one is left as it is.");
    const progress = createProgress(terminal);
    const report = await recoverFile(file, output, (done, total) => {
      progress.update(`${printable(file)}: ${Math.floor((done / total) * 100)} % of ${bytesText(total)}`);
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

function textOf(file: string, output: string | undefined, report: RecoveryReport): string {
  const { records, recordsLost, lost, failedRecords, complete } = report;
  const saved = output === undefined ? "are intact" : `written to ${printable(output)}`;
  const missing = complete
    ? "Nothing is missing."
    : recordsLost === undefined
      ? "How many are missing is not known: the footer is lost."
      : `${countText(recordsLost + failedRecords.length)} are lost.`;
  return [
    `${printable(file)}: ${countText(records)} records ${saved}. ${missing}`,
    ...lost.map(({ from, to, code, store, records: count }) => {
      const what =
        count === undefined
          ? ""
          : `: ${countText(count)} records${store === undefined ? "" : ` of ${printable(store)}`}`;
      return from === to ? `  ends at byte ${from} (${code})` : `  bytes ${from} to ${to} (${code})${what}`;
    }),
    ...failedRecords.map(({ error }) => `  ${printable(error.message)}`),
    "",
  ].join("\n");
}
