import { joinPath } from "../../io/file/join-path.js";
import { readText } from "../../io/file/read-text.js";
import { discardTempFolders } from "../../io/index.js";
import { isSnapshotError } from "../../snapshot/index.js";
import type {
  PipelineFunction,
  RunnerName,
  RunnerRun,
  SubmittedJob,
  SubmittedTemplate,
} from "../../runners/index.js";
import {
  type Command,
  type CommandInput,
  exitCodes,
  helpOption,
  jsonOption,
  type Option,
  type ParsedOptions,
  type Terminal,
  UsageError,
} from "../command.js";
import { commandHelp, optionTable } from "../help.js";
import { interruptible } from "../interruptible.js";
import { closest, parseOptions } from "../parse-options.js";
import { pipelineCatalog } from "../pipeline-catalog.js";
import type { CatalogEntry } from "../pipelines/catalog-entry.js";
import { countText, createProgress } from "../progress.js";
import { runnerFrom, runnerNameOf, runnerOptions } from "../runner-options.js";
import { printable } from "../table.js";

const commonOptions: readonly Option[] = [...runnerOptions, jsonOption, helpOption];

/** Runs a pipeline by name. Its options depend on the pipeline, so it parses them itself. */
export const runCommand: Command = {
  name: "run",
  argumentsText: "[pipeline] [--runner=direct] [options]",
  summary: "Run a pipeline (default: sync) on a runner.",
  options: [],
  async run(input) {
    const { entry, options } = parse(input);
    if (options.help === true) {
      await input.terminal.out(entry ? pipelineHelp(entry) : overview());
      return exitCodes.ok;
    }
    const chosen = entry ?? pipelineCatalog[0]!;
    const runner = runnerNameOf(options);
    const pipeline = builtFrom(chosen, options);
    const startedAt = performance.now();
    if (options.detach === true || options.templateLocation !== undefined)
      return await detached(pipeline, options, input.terminal);
    const run = await watched(pipeline, chosen.name, options, input.terminal);
    if (run === "interrupted") return exitCodes.interrupted;
    const { metrics, jobId, state } = run;
    const seconds = (performance.now() - startedAt) / 1000;
    const output = chosen.outputOf(options);
    const summary = chosen.hasSummary ? await readSummary(output, runner) : [];
    if (options.json === true) {
      await input.terminal.out(
        `${JSON.stringify({ pipeline: chosen.name, runner, jobId, state, output, seconds, summary, metrics })}\n`,
      );
    } else {
      const result = { runner, output, seconds, summary, options, counters: metrics.counters };
      await input.terminal.out(chosen.resultText(result));
      for (const warning of withoutTime(metrics.counters)) input.terminal.err(`${warning}\n`);
    }
    return exitCodes.ok;
  },
};

/** Runs the pipeline with its progress shown; what the runner warns of is told once. */
async function watched(
  pipeline: PipelineFunction,
  name: string,
  options: ParsedOptions,
  terminal: Terminal,
): Promise<RunnerRun | "interrupted"> {
  const progress = createProgress(terminal);
  const interrupted = new AbortController();
  try {
    const run = (signal: AbortSignal): Promise<RunnerRun> => {
      signal.addEventListener("abort", () => {
        interrupted.abort();
      });
      return runnerFrom(options, signal).run(pipeline, {
        onProgress: (counters) => {
          progress.update(progressText(name, counters));
        },
        onStatus: (text) => {
          terminal.err(`${text}\n`);
        },
        onMessage: ({ severity, text }) => {
          // The error that ends the run tells of errors.
          if (severity !== "warning") return;
          progress.end();
          terminal.err(`${printable(firstLine(text))}\n`);
        },
      });
    };
    // What runs in this process ends with it.
    return await (runnerNameOf(options) === "direct" ? run(interrupted.signal) : interruptible(run));
  } catch (error) {
    await discardTempFolders();
    // Whoever interrupted has been told.
    if (interrupted.signal.aborted) return "interrupted";
    throw error;
  } finally {
    progress.end();
  }
}

async function detached(
  pipeline: PipelineFunction,
  options: ParsedOptions,
  terminal: Terminal,
): Promise<number> {
  const submitted = await interruptible((signal) =>
    runnerFrom(options, signal)
      .submit(pipeline)
      .catch((error: unknown) => {
        throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
      }),
  );
  const text = options.json === true ? JSON.stringify(submitted) : submittedText(submitted, options);
  await terminal.out(`${text}\n`);
  return exitCodes.ok;
}

function submittedText(submitted: SubmittedJob | SubmittedTemplate, options: ParsedOptions): string {
  if ("templateLocation" in submitted)
    return `The template is at ${submitted.templateLocation}. Start it with: gcloud dataflow jobs run NAME --gcs-location=${submitted.templateLocation} --region=${String(options.region)}`;
  const { jobId, jobEndpoint } = submitted;
  const place =
    runnerNameOf(options) === "dataflow"
      ? `--project=${String(options.project)} --region=${String(options.region)}`
      : `--jobEndpoint=${jobEndpoint}`;
  return `The job ${printable(jobId)} runs. See after it with: npx beam-indexeddb job status ${place} ${printable(jobId)}`;
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0]!;
}

/** A TypeError while the pipeline is built is a mistake in its options; one from the run would be a fault of this program. */
function builtFrom(entry: CatalogEntry, options: ParsedOptions): PipelineFunction {
  const build = asUsage(() => entry.build(options));
  return (root) => asUsage(() => build(root));
}

function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof TypeError ? new UsageError(cause.message, { cause }) : cause;
  }
}

function parse({ arguments: args, options }: CommandInput): {
  entry: CatalogEntry | undefined;
  options: CommandInput["options"];
} {
  const [first, ...others] = args;
  const named = first !== undefined && !first.startsWith("-");
  const entry = named ? find(first) : undefined;
  if (options.help === true) return { entry, options };
  const allowed = [...(entry ?? pipelineCatalog[0]!).options, ...commonOptions];
  const parsed = parseOptions(named ? others : args, allowed);
  const [surplus] = parsed.arguments;
  if (surplus !== undefined) {
    // `npm run pipeline -- --runner=direct sync` is natural, too.
    if (!named && parsed.arguments.length === 1) return { entry: find(surplus), options: parsed.options };
    throw new UsageError(`${JSON.stringify(surplus)} is one name too many: one pipeline at a time is run.`);
  }
  return { entry, options: parsed.options };
}

function find(name: string): CatalogEntry {
  const entry = pipelineCatalog.find((one) => one.name === name);
  if (entry) return entry;
  const names = pipelineCatalog.map((one) => one.name);
  const near = closest(name, names);
  throw new UsageError(
    `There is no pipeline ${JSON.stringify(name)}.${near === undefined ? "" : ` Did you mean ${near}?`} Pipelines are: ${names.join(", ")}.`,
  );
}

function pipelineHelp(entry: CatalogEntry): string {
  return commandHelp({
    ...runCommand,
    name: `run ${entry.name}`,
    argumentsText: "[options]",
    summary: entry.summary,
    options: [...entry.options, ...commonOptions],
  });
}

function overview(): string {
  const lines = pipelineCatalog.map(
    ({ name, summary, options }) => `  ${name}\n      ${summary}\n\n${optionTable(options)}\n`,
  );
  return [
    "Usage: beam-indexeddb run [pipeline] [--runner=direct] [options]",
    `       npm run pipeline -- [pipeline] [--runner=direct] [options]`,
    "",
    "Pipelines:",
    ...lines,
    "Options of every pipeline:",
    optionTable(commonOptions),
    "",
  ].join("\n");
}

function progressText(name: string, counters: Readonly<Record<string, number>>): string {
  const sum = (part: string): number =>
    Object.entries(counters).reduce((total, [key, value]) => (key.includes(part) ? total + value : total), 0);
  const written = sum("recordsWritten/");
  // Stores of tables count their rows when they are done.
  const end = written > 0 ? `, ${countText(written)} written` : "";
  return `${name}: ${countText(sum("recordsRead/"))} records read, ${countText(sum("recordsMerged/"))} merged${end}`;
}

/** A mistyped --by would otherwise pass unseen: capture times decide then. */
function withoutTime(counters: Readonly<Record<string, number>>): string[] {
  return Object.entries(counters)
    .filter(([name, count]) => name.startsWith("mergedWithoutTime/") && count > 0)
    .map(([name, count]) => {
      const store = JSON.stringify(name.slice("mergedWithoutTime/".length));
      return `Beware: ${countText(count)} of the versions compared in ${printable(store)} have no time at the path of --by, so they counted as the oldest, and among them the time of capture decided.`;
    });
}

/** Of a job on other machines, the output may lie where this one can't see it. */
async function readSummary(output: string, runner: RunnerName): Promise<readonly unknown[]> {
  const text = await readText(joinPath(output.replace(/(.)\/+$/, "$1"), "summary.json")).catch(
    (error: unknown) => {
      if (runner === "dataflow" && isSnapshotError(error, "FILE_NOT_FOUND")) return "[]";
      throw error;
    },
  );
  return JSON.parse(text) as unknown[];
}
