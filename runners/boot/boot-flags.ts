import { SnapshotError } from "../../snapshot/index.js";

/** What a runner tells a worker's boot program on its command line. */
export interface BootFlags {
  readonly id: string;
  /** `host:port` of the service that tells the rest. */
  readonly provisionEndpoint: string;
  /** Used where the provision service names none. */
  readonly loggingEndpoint: string;
  readonly artifactEndpoint: string;
  readonly controlEndpoint: string;
  /** Folder for files of the job; "" when the runner names none. */
  readonly semiPersistDir: string;
}

/** So much of a worker's id is taken: it goes into messages and metadata. */
const mostIdCharacters = 1024;

/**
 * Reads the flags of Beam's container contract: `--k=v`, `--k v` or with one dash, values plain or in quotes (Prism passes literal ones). Flags that are not
 * known are passed over, as later releases of runners may have more.
 * @throws SnapshotError RUNNER_BOOT_FAILED without an id or a provision endpoint
 */
export function bootFlags(args: readonly string[]): BootFlags {
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(args[i]!);
    if (!match) continue;
    const [, name, given] = match;
    const next = args[i + 1];
    const takesNext = given === undefined && next !== undefined && !/^--?[A-Za-z]/.test(next);
    if (takesNext) i++;
    flags.set(name!, unquoted(given ?? (takesNext ? next : "")));
  }
  const flag = (name: string): string => flags.get(name) ?? "";
  const id = flag("id");
  if (id === "" || id.length > mostIdCharacters || !/^[\x20-\x7e]+$/.test(id))
    throw usage(`--id is ${id === "" ? "missing" : "not the id of a worker"}`);
  if (flag("provision_endpoint") === "") throw usage("--provision_endpoint is missing");
  return {
    id,
    provisionEndpoint: flag("provision_endpoint"),
    loggingEndpoint: flag("logging_endpoint"),
    artifactEndpoint: flag("artifact_endpoint"),
    controlEndpoint: flag("control_endpoint"),
    semiPersistDir: flag("semi_persist_dir"),
  };
}

function unquoted(value: string): string {
  return /^(['"])([\s\S]*)\1$/.exec(value)?.[2] ?? value;
}

function usage(what: string): SnapshotError {
  return new SnapshotError(
    "RUNNER_BOOT_FAILED",
    `${what}. The boot program is started by a runner, as boot --id=ID --provision_endpoint=HOST:PORT.`,
  );
}
