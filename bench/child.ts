import { type ChildProcess, fork } from "node:child_process";

const running = new Set<ChildProcess>();

/**
 * Runs a module in a process of its own and returns what it answers: for measurements that others would spoil (compiled code that has seen other
 * values, memory that is still held). The module calls `answer`.
 *
 * @param nodeOptions Options of Node for the process, such as "--expose-gc".
 * @throws Error when the process fails or ends without an answer
 */
export function inChild<Output>(
  module: URL,
  input: unknown,
  nodeOptions: readonly string[] = [],
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = fork(module, {
      execArgv: ["--enable-source-maps", ...nodeOptions],
      serialization: "advanced",
    });
    let output: { readonly value: Output } | undefined;
    running.add(child);
    child.on("message", (message) => {
      output = message as { readonly value: Output };
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      running.delete(child);
      if (output && code === 0) resolve(output.value);
      else reject(new Error(`${module.pathname} ended with ${signal ?? `exit code ${code}`} and no result.`));
    });
    child.send({ input });
  });
}

/** In a module that `inChild` runs: takes the input, answers with the output. */
export function answer(work: (input: never) => unknown): void {
  // Without a parent nobody waits for the result.
  process.once("disconnect", () => process.exit(1));
  process.once("message", (message) => {
    void (async () => {
      const value = await work((message as { readonly input: never }).input);
      process.send!({ value }, undefined, {}, () => process.exit(0));
    })();
  });
}

/** Ends the processes that are still running. */
export function endChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}
