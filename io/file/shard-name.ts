import { createHash } from "node:crypto";
import { folderOf, nameOf, remotePath } from "./join-path.js";

/** Beam's names for the files of a sharded output. */
export interface ShardNaming {
  /** Path and beginning of every name, for example "out/merged". */
  readonly prefix: string;
  /** Runs of S are the shard's number, of N the count of shards, zero-padded to their length. */
  readonly template: string;
  readonly suffix: string;
}

export const defaultShardTemplate = "-SSSSS-of-NNNNN";

export function shardName({ prefix, template, suffix }: ShardNaming, shard: number, count: number): string {
  const name = template.replace(/S+|N+/g, (run) =>
    String(run.startsWith("S") ? shard : count).padStart(run.length, "0"),
  );
  return `${prefix}${name}${suffix}`;
}

/** Folder of a prefix, and how its names begin: "" when the prefix ends with a slash and is the folder itself. */
export function splitPrefix(prefix: string): { readonly folder: string; readonly base: string } {
  if (!prefix.endsWith("/")) return { folder: folderOf(prefix), base: nameOf(prefix) };
  return { folder: remotePath(prefix) ? prefix.slice(0, -1) : prefix, base: "" };
}

/** Matches exactly the names that `shardName` gives for this naming, with any shard and any count. */
export function shardNamePattern({ template, suffix }: ShardNaming, baseName: string): RegExp {
  const parts = template
    .split(/(S+|N+)/)
    .map((part) => (/^(S+|N+)$/.test(part) ? `\\d{${part.length},}` : escapeRegExp(part)));
  return new RegExp(`^${escapeRegExp(baseName)}${parts.join("")}${escapeRegExp(suffix)}$`);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** @throws TypeError when two shards would get one name. */
export function checkShardNaming(naming: ShardNaming, numShards: number): void {
  if (numShards !== 1 && !naming.template.includes("S")) {
    throw new TypeError(
      `shardNameTemplate ${JSON.stringify(naming.template)} has no S: ${numShards === 0 ? "several" : numShards} shards would get one name. Add S, or set numShards: 1.`,
    );
  }
}

/**
 * A name that comes from data, made fit for a file name: letters, digits, inner spaces and ._- stay, everything else becomes %XXXX. Distinct
 * names stay distinct (long ones end with a hash), no name leaves its folder, none is hidden, reserved by a system or taken for an option by a shell's command.
 */
export function safeFileName(name: string): string {
  const escaped = name
    .replace(/[^A-Za-z0-9._ -]|^[. -]|[. ]$/g, escapeUnits)
    .replace(/^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i, (word) => escapeUnits(word));
  if (escaped === "") return "%";
  if (escaped.length <= 150) return escaped;
  return `${escaped.slice(0, 120)}~${createHash("sha256").update(Buffer.from(name, "utf16le")).digest("hex").slice(0, 24)}`;
}

function escapeUnits(text: string): string {
  let escaped = "";
  for (let i = 0; i < text.length; i++) escaped += `%${text.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return escaped;
}
