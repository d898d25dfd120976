import { findCluster } from "./find-cluster.js";
import { type JavaJobServer, startJavaJobServer } from "./java-job-server.js";
import type { JobService, ServiceOptions } from "./job-service.js";

/** Options of Flink. */
export interface FlinkOptions extends ServiceOptions {
  /** `host:port` of a cluster's REST interface; default `[local]`: a cluster in the job server itself. */
  readonly flinkMaster?: string | undefined;
  /** An own job server as one jar. */
  readonly flinkJobServerJar?: string | undefined;
}

/** The last release of Beam whose parts can all be had from Maven Central, with the newest Flink that it has a runner for. */
const libraries: JavaJobServer["libraries"] = [
  "org.apache.beam:beam-runners-flink-1.19:2.62.0",
  "org.slf4j:slf4j-simple:1.7.30",
];

/** Starts Beam's job server for Flink. */
export async function startFlink({
  flinkMaster = "[local]",
  flinkJobServerJar,
  ...options
}: FlinkOptions): Promise<JobService> {
  await findCluster("Flink", flinkMaster, options.signal);
  return startJavaJobServer(
    {
      title: "The Flink job server",
      name: "flink-1.19",
      libraries,
      mainClass: "org.apache.beam.runners.flink.FlinkJobServerDriver",
      opens: ["sun.nio.ch", "java.nio", "java.util", "java.lang", "java.lang.invoke"],
      args: [`--flink-master=${flinkMaster}`],
      jar:
        flinkJobServerJar === undefined
          ? undefined
          : { path: flinkJobServerJar, option: "--flinkJobServerJar" },
    },
    options,
  );
}
