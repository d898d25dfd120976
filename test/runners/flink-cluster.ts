/** A standalone Flink: JobManager and TaskManager as processes of this machine, from the jars that scripts/fetch-flink-cluster.mjs fetches. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "../../runners/service/free-port.js";
import { findJava } from "../../runners/service/find-java.js";
import { type RunningProcess, startProcess } from "../../runners/service/start-process.js";
import { cacheFolder } from "./programs.js";

export interface FlinkCluster {
  /** `host:port` of its REST interface: what --flinkMaster takes. */
  readonly master: string;
  stop(): Promise<void>;
}

const host = "127.0.0.1";
const startDeadlineMs = 90_000;

/** What Flink's own configuration opens for it on Java 17. */
const exported = [
  "java.base/sun.net.util",
  "java.rmi/sun.rmi.registry",
  "java.security.jgss/sun.security.krb5",
];
const opened = [
  "java.lang",
  "java.lang.reflect",
  "java.io",
  "java.net",
  "java.nio",
  "java.text",
  "java.time",
  "java.util",
  "java.util.concurrent",
  "java.util.concurrent.atomic",
  "java.util.concurrent.locks",
  "sun.nio.ch",
];
const javaOptions = [
  ...exported.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...opened.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
];

/** Starts a cluster of one TaskManager. Resolves when its slots can be had. */
export async function startFlinkCluster({
  slots = 4,
}: { readonly slots?: number } = {}): Promise<FlinkCluster> {
  const jars = join(cacheFolder, "cluster-flink-1.19.3");
  if (!existsSync(jars))
    throw new Error(`There is no Flink in ${jars}: node scripts/fetch-job-servers.mjs ${cacheFolder}`);
  const folder = mkdtempSync(join(tmpdir(), "beam-indexeddb-flink-"));
  const [rest, rpc] = await freePorts(2);
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(folder, "config.yaml"), configuration({ rest: rest!, rpc: rpc!, slots, folder }));
  writeFileSync(join(folder, "log4j2.properties"), logging);
  const java = await findJava();
  const start = (title: string, main: string, memory: readonly string[]): RunningProcess =>
    startProcess({
      title,
      command: java,
      args: [
        ...javaOptions,
        ...memory,
        "-XX:+UseSerialGC",
        `-Djava.io.tmpdir=${join(folder, "tmp")}`,
        `-Dlog4j.configurationFile=${join(folder, "log4j2.properties")}`,
        ...["-cp", join(jars, "*"), main, "--configDir", folder],
      ],
    });
  const processes = [
    start("The JobManager", "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", [
      "-Xmx512m",
    ]),
    start("The TaskManager", "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", [
      "-Xmx768m",
      "-XX:MaxDirectMemorySize=640m",
      "-XX:MaxMetaspaceSize=512m",
    ]),
  ];
  const stop = async (): Promise<void> => {
    for (const one of processes.toReversed()) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const master = `${host}:${rest!}`;
  try {
    await Promise.race([slotsAt(master, slots), ...processes.map(({ failure }) => failure)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { master, stop };
}

async function slotsAt(master: string, slots: number): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  while (Date.now() < deadline) {
    const overview = await fetch(`http://${master}/overview`).then(
      (response) => response.json() as Promise<{ readonly "slots-available"?: number }>,
      () => undefined,
    );
    if (overview?.["slots-available"] === slots) return;
    await delay(200);
  }
  throw new Error(`The Flink cluster at ${master} has no ${slots} slots after ${startDeadlineMs / 1000} s.`);
}

interface Layout {
  readonly rest: number;
  readonly rpc: number;
  readonly slots: number;
  readonly folder: string;
}

/** Without Flink's own scripts a TaskManager wants every part of its memory told. */
const configuration = ({ rest, rpc, slots, folder }: Layout): string => `
jobmanager.rpc.address: ${host}
jobmanager.bind-host: ${host}
jobmanager.rpc.port: ${rpc}
jobmanager.memory.process.size: 900m
rest.address: ${host}
rest.bind-address: ${host}
rest.port: ${rest}
taskmanager.host: ${host}
taskmanager.bind-host: ${host}
taskmanager.numberOfTaskSlots: ${slots}
taskmanager.cpu.cores: 2
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.heap.size: 640m
taskmanager.memory.task.off-heap.size: 128m
taskmanager.memory.managed.size: 256m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.memory.jvm-metaspace.size: 512m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
io.tmp.dirs: ${join(folder, "tmp")}
`;

const logging = `
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1} %m%n%throwable
`;
