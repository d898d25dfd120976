import { readFileSync } from "node:fs";

/** Bytes of memory that this process has held at most so far, as the system counts (Linux: VmHWM; elsewhere the maximum resident set). */
export function peakMemory(): number {
  return fromStatus("VmHWM") ?? process.resourceUsage().maxRSS * 1024;
}

/** Bytes of memory that this process holds now. */
export function currentMemory(): number {
  return fromStatus("VmRSS") ?? process.memoryUsage.rss();
}

function fromStatus(field: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  const kibibytes = new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(
    readFileSync("/proc/self/status", "utf8"),
  )?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
