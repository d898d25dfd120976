import { findCluster } from "./find-cluster.js";
import { type JavaJobServer, startJavaJobServer } from "./java-job-server.js";
import type { JobService, ServiceOptions } from "./job-service.js";

/** Options of Spark. */
export interface SparkOptions extends ServiceOptions {
  /** Master of a cluster, such as `spark://host:7077`; default `local[*]`: all cores, in the job server itself. */
  readonly sparkMasterUrl?: string | undefined;
  /** An own job server as one jar. */
  readonly sparkJobServerJar?: string | undefined;
}

const libraries: JavaJobServer["libraries"] = [
  "org.apache.beam:beam-runners-spark-3:2.62.0",
  "org.apache.spark:spark-core_2.12:3.5.0",
  "org.apache.spark:spark-streaming_2.12:3.5.0",
  "org.slf4j:slf4j-simple:1.7.30",
];

/** Starts Beam's job server for Spark. */
export async function startSpark({
  sparkMasterUrl = "local[*]",
  sparkJobServerJar,
  ...options
}: SparkOptions): Promise<JobService> {
  await findCluster("Spark", sparkMasterUrl, options.signal);
  return startJavaJobServer(
    {
      title: "The Spark job server",
      name: "spark-3.5",
      libraries,
      mainClass: "org.apache.beam.runners.spark.SparkJobServerDriver",
      // What Spark's own launcher opens.
      opens: [
        "java.lang",
        "java.lang.invoke",
        "java.lang.reflect",
        "java.io",
        "java.net",
        "java.nio",
        "java.util",
        "java.util.concurrent",
        "java.util.concurrent.atomic",
        "sun.nio.ch",
        "sun.nio.cs",
        "sun.security.action",
        "sun.util.calendar",
      ],
      args: [`--spark-master-url=${sparkMasterUrl}`],
      jar:
        sparkJobServerJar === undefined
          ? undefined
          : { path: sparkJobServerJar, option: "--sparkJobServerJar" },
    },
    options,
  );
}
