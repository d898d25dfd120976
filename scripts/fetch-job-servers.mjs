// Fetches the job servers of Flink, Spark, Python, and Python's for Dataflow into the cache folder that is named, and starts each once, so that
// tests do not wait for downloads and what is broken is seen by name. Fetches Flink itself, too.
import { resolve } from "node:path";
import { startDataflowJobService } from "../dist/runners/dataflow/dataflow-job-service.js";
import { startFlink } from "../dist/runners/service/flink.js";
import { startPython } from "../dist/runners/service/python.js";
import { startSpark } from "../dist/runners/service/spark.js";
import { fetchFlinkCluster } from "./fetch-flink-cluster.mjs";

const [, , folder] = process.argv;
if (folder === undefined) {
  console.error("Usage: node scripts/fetch-job-servers.mjs CACHE_FOLDER");
  process.exit(2);
}
const options = { cacheFolder: resolve(folder), onProgress: (text) => console.log(`  ${text}`) };

const services = {
  flink: startFlink,
  spark: startSpark,
  python: startPython,
  dataflow: (service) => startDataflowJobService({}, service),
};
await fetchFlinkCluster(options).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
for (const [name, start] of Object.entries(services)) {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  try {
    const service = await start(options);
    console.log(`${name} answers at ${service.address} after ${seconds()}`);
    await service.stop();
  } catch (error) {
    console.error(`${name} failed after ${seconds()}: ${error.message}`);
    process.exitCode = 1;
  }
}
