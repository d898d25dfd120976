import { once } from "node:events";
import { startWorkerPool, workerModules } from "../../runners/index.js";
import { type Command, exitCodes, UsageError } from "../command.js";
import { interruptible } from "../interruptible.js";

/** Beam's worker pool service, for the environment type EXTERNAL: runners ask it for workers. */
export const workerPoolCommand: Command = {
  name: "worker-pool",
  argumentsText: "[--address=HOST:PORT]",
  summary: "Serve runners with workers on this machine, for the environment type EXTERNAL.",
  details:
    "Each worker is a process of its own, or several with --parallelism. It ends with its job; the pool ends with Ctrl-C.\nWhoever can reach the address can run code here: open it to the machines of your cluster alone.",
  options: [
    {
      name: "address",
      kind: "text",
      value: "HOST:PORT",
      help: "Where to listen. Port 0 takes a free one.",
      defaultText: "127.0.0.1:50000",
    },
    {
      name: "parallelism",
      kind: "number",
      value: "N",
      help: "Processes for each worker that a runner asks for.",
      defaultText: "1",
    },
    {
      name: "workerModules",
      kind: "list",
      value: "URL,...",
      help: "Modules that register functions of your pipelines: file URLs, or names that this folder's package can import.",
    },
  ],
  run: ({ arguments: [surplus], options, terminal }) => {
    if (surplus !== undefined)
      throw new UsageError(`worker-pool takes no argument ${JSON.stringify(surplus)}.`);
    const address = (options.address as string | undefined) ?? "127.0.0.1:50000";
    if (!/^.+:\d{1,5}$/.test(address))
      throw new UsageError(`--address needs HOST:PORT, not ${JSON.stringify(address)}.`);
    const parallelism = (options.parallelism as number | undefined) ?? 1;
    if (parallelism < 1) throw new UsageError("--parallelism needs to be 1 or more.");
    return interruptible(async (signal) => {
      const pool = await startWorkerPool({
        address,
        parallelism,
        modules: workerModules(options.workerModules as readonly string[] | undefined),
        onWorkerDied: ({ message }) => {
          terminal.err(`${message}\n`);
        },
      });
      try {
        terminal.err(
          `Serving workers at ${pool.address}. Give it to runners as --environmentType=EXTERNAL --environmentConfig=${pool.address}; Ctrl-C ends it.\n`,
        );
        if (!signal.aborted) await once(signal, "abort");
      } finally {
        await pool.stop();
      }
      return exitCodes.ok;
    }, true);
  },
};
