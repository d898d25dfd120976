import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachedFolder } from "./cached-folder.js";
import { findProgram } from "./find-program.js";
import type { ServiceOptions } from "./job-service.js";
import { runTool } from "./run-tool.js";

/** A Java library: group, artifact, version, with ":" between. */
export type Coordinates = `${string}:${string}:${string}`;

const mavenAdvice = "Maven fetches the job server on first use. Install it with: apt-get install maven.";

/**
 * A folder with the jars of these libraries and of all that they need. They are resolved with Maven on first use, and again when the list changes.
 * @param name Says in the cache what they are.
 */
export async function resolveJars(
  name: string,
  libraries: readonly Coordinates[],
  { cacheFolder, onProgress, signal }: ServiceOptions,
): Promise<string> {
  const pom = pomOf(name, libraries);
  const hash = createHash("sha256").update(pom).digest("hex").slice(0, 12);
  const folder = await cachedFolder(join(cacheFolder, `${name}-${hash}`), async (draft) => {
    const mvn = findProgram("mvn", mavenAdvice);
    onProgress?.(`Fetching the job server ${name} with Maven, once (this takes a minute or more)`);
    await writeFile(join(draft, "pom.xml"), pom);
    const goals = [
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(draft, "lib")}`,
    ];
    await runTool(
      {
        title: `Fetching the job server ${name} with Maven`,
        command: mvn,
        args: ["-q", "--batch-mode", "-f", join(draft, "pom.xml"), ...goals],
      },
      signal,
    );
  });
  return join(folder, "lib");
}

/** A pom that depends on some libraries and builds nothing. */
function pomOf(name: string, libraries: readonly Coordinates[]): string {
  const dependencies = libraries.map((library) => {
    const [group, artifact, version] = library.split(":");
    return `    <dependency><groupId>${group!}</groupId><artifactId>${artifact!}</artifactId><version>${version!}</version></dependency>`;
  });
  return [
    `<project xmlns="http://maven.apache.org/POM/4.0.0">`,
    `  <modelVersion>4.0.0</modelVersion>`,
    `  <groupId>beam-indexeddb</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging>`,
    `  <dependencies>`,
    ...dependencies,
    `  </dependencies>`,
    `</project>`,
    ``,
  ].join("\n");
}
