import { accessSync, constants } from "node:fs";
import { join, resolve } from "node:path";
import { SnapshotError } from "../../snapshot/index.js";
import { findJava } from "./find-java.js";
import { type JobService, type ServiceOptions, startJobService } from "./job-service.js";
import { type Coordinates, resolveJars } from "./maven.js";

/** A job server of Beam's Java SDK. */
export interface JavaJobServer {
  /** For messages: "The Flink job server". */
  readonly title: string;
  /** In the cache. */
  readonly name: string;
  readonly libraries: readonly Coordinates[];
  readonly mainClass: string;
  /** Packages of java.base that it reaches into: Java 17 wants to be told. */
  readonly opens: readonly string[];
  readonly args: readonly string[];
  /** A jar with all of it, in place of the libraries, and the option that named it. */
  readonly jar?: { readonly path: string; readonly option: string } | undefined;
}

/** Starts a job server of the Java SDK. */
export async function startJavaJobServer(
  server: JavaJobServer,
  options: ServiceOptions,
): Promise<JobService> {
  const java = await findJava(server.jar !== undefined);
  const program = server.jar
    ? ["-jar", readableJar(server.jar)]
    : ["-cp", join(await resolveJars(server.name, server.libraries, options), "*"), server.mainClass];
  return startJobService(
    2,
    ([jobPort, artifactPort], scratchFolder) => ({
      title: server.title,
      command: java,
      args: [
        ...server.opens.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        // It leaves files in there that nobody would remove.
        `-Djava.io.tmpdir=${scratchFolder}`,
        ...program,
        "--job-host=localhost",
        `--job-port=${jobPort!}`,
        `--artifact-port=${artifactPort!}`,
        "--expansion-port=-1",
        `--artifacts-dir=${join(scratchFolder, "artifacts")}`,
        ...server.args,
      ],
    }),
    options.signal,
  );
}

function readableJar({ path, option }: { readonly path: string; readonly option: string }): string {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new SnapshotError("FILE_NOT_FOUND", `There is no jar ${JSON.stringify(path)} (${option}).`, {
      file: path,
      cause,
    });
  }
  return resolve(path);
}
