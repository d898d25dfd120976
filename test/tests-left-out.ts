/** Which tests need programs that a developer's machine may not have. In CI all of them run, and fail where something is missing. */
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { postgresPrograms } from "./io/postgres/postgres-programs.js";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Needed {
  readonly program: string;
  readonly isHere: boolean;
  readonly tests: readonly string[];
}

/** Patterns of tests to leave out, and why, one line a program. Nothing in CI. */
export function testsLeftOut(env: NodeJS.ProcessEnv = process.env): {
  readonly patterns: readonly string[];
  readonly reasons: readonly string[];
} {
  if (env.CI !== undefined && env.CI !== "" && env.CI !== "false") return { patterns: [], reasons: [] };
  const missing = needed(env).filter(({ isHere }) => !isHere);
  return {
    patterns: [...new Set(missing.flatMap(({ tests }) => tests))],
    reasons: missing.map(({ program }) => `Left out for now: the tests that need ${program}.`),
  };
}

function needed(env: NodeJS.ProcessEnv): Needed[] {
  const inCache = (name: string) =>
    startsInFolder(env.BEAM_INDEXEDDB_CACHE ?? join(root, ".cache/runners"), name);
  const program = (name: string, variable: string, place = name): boolean =>
    env[variable] !== undefined || existsSync(join(root, ".cache/go-bin", place)) || onPath(name, env);
  const jobServers = "node scripts/fetch-job-servers.mjs .cache/runners";
  return [
    {
      program: "Prism 2.77 (go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0)",
      isHere: program("prism", "BEAM_INDEXEDDB_PRISM", "2.77/prism"),
      tests: [
        "test/runners/prism.test.ts",
        "test/io/runners/stores-on-prism.test.ts",
        "test/cli/run-on-prism.test.ts",
        "test/cli/worker-pool.test.ts",
        "test/runners/boot/process-workers.test.ts",
        "test/runners/boot/missing-command.test.ts",
      ],
    },
    {
      program: "PostgreSQL (apt-get install postgresql)",
      isHere: postgresPrograms(env) !== undefined,
      tests: ["test/io/postgres/*.server.test.ts", "test/pipelines/*.server.test.ts"],
    },
    {
      program:
        "Prism 2.60 (go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.60.0, in .cache/go-bin/2.60)",
      isHere:
        env.BEAM_INDEXEDDB_PRISM_2_60 !== undefined || existsSync(join(root, ".cache/go-bin/2.60/prism")),
      tests: ["test/runners/prism-2-60.test.ts"],
    },
    {
      program: `Flink's job server (Java 17 and Maven, then ${jobServers})`,
      isHere: onPath("java", env) && inCache("flink-"),
      tests: [
        "test/runners/flink.test.ts",
        "test/runners/killed.test.ts",
        "test/runners/boot/process-workers.test.ts",
      ],
    },
    {
      program: `Flink itself (Java 17 and Python 3, then ${jobServers})`,
      isHere: onPath("java", env) && inCache("flink-") && inCache("cluster-flink-"),
      tests: ["test/runners/flink-cluster.test.ts"],
    },
    {
      program: "crane (go install github.com/google/go-containerregistry/cmd/crane@v0.22.1)",
      isHere: program("crane", "BEAM_INDEXEDDB_CRANE"),
      tests: ["test/runners/boot/process-workers.test.ts"],
    },
    {
      program: `Spark's job server (Java 17 and Maven, then ${jobServers})`,
      isHere: onPath("java", env) && inCache("spark-"),
      tests: ["test/runners/spark.test.ts", "test/runners/killed.test.ts"],
    },
    {
      program: `Beam's Python SDK (Python 3, then ${jobServers})`,
      isHere: inCache("python-beam-2"),
      tests: [
        "test/runners/python.test.ts",
        "test/io/avro/avro.test.ts",
        "test/io/parquet/parquet.test.ts",
        "test/runners/killed.test.ts",
      ],
    },
    {
      program: `Beam's Python SDK with its part for Google Cloud (Python 3, then ${jobServers})`,
      isHere: inCache("python-beam-gcp-"),
      tests: ["test/runners/dataflow/run-by-job-service.test.ts"],
    },
    {
      program: "fake-gcs-server (go install github.com/fsouza/fake-gcs-server@latest)",
      isHere: program("fake-gcs-server", "BEAM_INDEXEDDB_FAKE_GCS_SERVER"),
      tests: [
        ...readdirSync(join(root, "test/runners/dataflow"), { encoding: "utf8" })
          .filter((file) => file.endsWith(".test.ts"))
          .map((file) => `test/runners/dataflow/${file}`),
        "test/io/bigquery/**",
        "test/io/file/gs/**",
        "test/io/file/object-store/**",
      ],
    },
    {
      program: "moto (python3 -m venv .cache/moto && .cache/moto/bin/pip install 'moto[server]')",
      isHere:
        existsSync(join(root, ".cache/moto/bin/moto_server")) ||
        program("moto_server", "BEAM_INDEXEDDB_MOTO_SERVER"),
      tests: ["test/io/file/s3/**", "test/io/file/object-store/**"],
    },
    {
      program: "Azurite (npm install --prefix .cache/azurite --no-save azurite@3.35.0)",
      isHere:
        existsSync(join(root, ".cache/azurite/node_modules/azurite")) ||
        program("azurite-blob", "BEAM_INDEXEDDB_AZURITE"),
      tests: ["test/io/file/azure/**"],
    },
  ];
}

function onPath(name: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}

function startsInFolder(folder: string, prefix: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(prefix));
}
