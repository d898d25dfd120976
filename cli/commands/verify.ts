import { SnapshotError } from "../../snapshot/index.js";
import { type Command, exitCodes, jsonOption, UsageError } from "../command.js";
import { openFile } from "../open-file.js";
import { bytesText, countText, createProgress } from "../progress.js";
import { report } from "../report.js";
import { printable } from "../table.js";

/** Exit code 0 only for whole, unaltered snapshots. */
export const verifyCommand: Command = {
  name: "verify",
  argumentsText: "<file>... [--json]",
  summary: "Check every byte of a snapshot: exit code 0 only when it is whole and unaltered.",
  options: [jsonOption],
  async run({ arguments: files, options, terminal }) {
    if (files.length === 0) throw new UsageError("verify needs a file: beam-indexeddb verify notes.idbsnap");
    const wantsJson = options.json === true;
    const results: object[] = [];
    let code: number = exitCodes.ok;
    for (const file of files) {
      const progress = createProgress(terminal);
      try {
        await using snapshot = await openFile(file);
        await snapshot.verify((done, total) => {
          progress.update(`${printable(file)}: ${Math.floor((done / total) * 100)} % of ${bytesText(total)}`);
        });
        progress.end();
        const { id, records, bytes } = snapshot.summary;
        if (wantsJson) results.push({ file, ok: true, id, records, bytes });
        else
          await terminal.out(
            `${printable(file)}: whole, ${countText(records)} records, ${bytesText(bytes)}\n`,
          );
      } catch (error) {
        progress.end();
        if (!(error instanceof SnapshotError)) throw error;
        const { code: errorCode, message, offset } = error;
        results.push({ file, ok: false, error: { code: errorCode, message, offset } });
        code = report(error, false, terminal);
      }
    }
    if (wantsJson) await terminal.out(`${JSON.stringify(files.length === 1 ? results[0] : results)}\n`);
    return code;
  },
};
