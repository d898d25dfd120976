// `npm run build && node scripts/repeat-counts.mjs --runner=prism --times=100 [--parallelism=2] [--jobEndpoint=HOST:PORT] [--prismPath=PATH]`:
// runs counting pipelines on a runner again and again; each checks its own result, so a wrong count fails the job. Exit code 1 when one was wrong.
import { parseArgs } from "node:util";
import {
  asyncParDo,
  countGlobally,
  countPerElement,
  create,
  parDo,
  registerFunctions,
  reshuffle,
  withName,
} from "beam-indexeddb/beam";
import { createRunner } from "beam-indexeddb/runners";
import { assertElements } from "beam-indexeddb/testing";

export class Emit {
  constructor(count) {
    this.count = count;
  }
  *process() {
    for (let n = 0; n < this.count; n++) yield n;
  }
}
export class Wait {
  async process(n) {
    await new Promise((resolve) => setTimeout(resolve, n % 3));
    return [n];
  }
}
registerFunctions("beam-indexeddb/scripts/repeat-counts", { Emit, Wait });

if (process.argv[1] === new URL(import.meta.url).pathname) await main();

async function main() {
  const { values } = parseArgs({
    options: {
      runner: { type: "string", default: "prism" },
      times: { type: "string", default: "100" },
      parallelism: { type: "string", default: "2" },
      jobEndpoint: { type: "string" },
      prismPath: { type: "string" },
    },
  });
  const { runner: name, jobEndpoint, prismPath } = values;
  const runner = createRunner({
    runner: name,
    parallelism: Number(values.parallelism),
    timeoutMs: 120_000,
    workerModules: [import.meta.url],
    ...(jobEndpoint === undefined ? {} : { jobEndpoint }),
    ...(prismPath === undefined ? {} : { prismPath }),
  });
  let wrong = 0;
  const started = performance.now();
  for (let time = 1; time <= Number(values.times); time++) {
    try {
      await runner.run(counting);
    } catch (error) {
      wrong++;
      console.error(`run ${time}: ${error.code} ${error.message}`);
    }
  }
  console.log(
    JSON.stringify({
      runner: name,
      times: Number(values.times),
      wrong,
      seconds: Math.round((performance.now() - started) / 1000),
    }),
  );
  process.exitCode = wrong > 0 ? 1 : 0;
}

function counting(root) {
  const numbers = root
    .apply(create([0, 1, 2, 3]))
    .apply(parDo(new Emit(2500)))
    .apply(withName("spread", reshuffle()));
  numbers.apply(withName("all", countGlobally())).apply(assertElements([10_000]));
  numbers
    .map((n) => n % 4)
    .apply(countPerElement())
    .apply(assertElements([0, 1, 2, 3].map((element) => ({ element, count: 2500 }))));
  numbers
    .apply(asyncParDo(new Wait(), { concurrency: 50 }))
    .apply(withName("waited", countGlobally()))
    .apply(assertElements([10_000]));
}
