import { posix } from "node:path";
import { runnerApi } from "../../beam/messages.js";
import { SnapshotError } from "../../snapshot/index.js";

/** A file of a job, as the runner describes it. */
export interface ArtifactDescription {
  /** A plain name, never a path. */
  readonly name: string;
  /** What its content has to be, in hexadecimal; undefined when the runner does not say. */
  readonly sha256: string | undefined;
}

const stagingRole = "beam:artifact:role:staging_to:v1";
/** What every file system takes. */
const mostNameBytes = 255;

/**
 * What is known of an artifact. Runners pass on what was submitted, so nothing of it is believed: a name that leads out of a folder or that no honest
 * submitter would give is refused.
 * @throws SnapshotError RUNNER_ARTIFACT_REFUSED
 */
export function describeArtifact(artifact: runnerApi.ArtifactInformation): ArtifactDescription {
  const { path, sha256 } = source(artifact);
  const staged =
    artifact.roleUrn === stagingRole
      ? decode(() => runnerApi.ArtifactStagingToRolePayload.fromBinary(artifact.rolePayload).stagedName)
      : posix.basename(path);
  const hash = sha256.toLowerCase();
  if (hash !== "" && !/^[0-9a-f]{64}$/.test(hash))
    throw refused(`The file ${shown(staged)} comes with ${shown(sha256)}, which is no sha256.`);
  return { name: plainName(staged), sha256: hash === "" ? undefined : hash };
}

function plainName(staged: string): string {
  const parts = staged.split("/");
  const isOdd =
    Buffer.byteLength(staged) > mostNameBytes ||
    /[\x00-\x1f\x7f\\]/.test(staged) ||
    parts.some((part) => part === "" || part === "." || part === "..");
  if (isOdd) throw refused(`The job has a file with the name ${shown(staged)}, which is no name of a file.`);
  return parts.at(-1)!;
}

function source({ typeUrn, typePayload }: runnerApi.ArtifactInformation): { path: string; sha256: string } {
  switch (typeUrn) {
    case "beam:artifact:type:file:v1":
      return decode(() => runnerApi.ArtifactFilePayload.fromBinary(typePayload));
    case "beam:artifact:type:url:v1": {
      const { url, sha256 } = decode(() => runnerApi.ArtifactUrlPayload.fromBinary(typePayload));
      return { path: url, sha256 };
    }
    default:
      throw refused(
        `The job has a file of the type ${shown(typeUrn)}; files (file:v1) and addresses (url:v1) are known.`,
      );
  }
}

function decode<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw refused("The job has a file whose description can't be read.", cause);
  }
}

export function refused(message: string, cause?: unknown): SnapshotError {
  return new SnapshotError("RUNNER_ARTIFACT_REFUSED", message, { cause });
}

/** A text of unknown origin, in a message. */
function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}... (${text.length} characters)` : text);
}
