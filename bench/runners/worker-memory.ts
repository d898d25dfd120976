import { readdirSync, readFileSync } from "node:fs";

/** What a process and all that it has started hold in memory, on Linux. */
export interface MemoryWatch {
  /** Bytes that the largest process has held at most. */
  stop(): number;
}

/** Watches the Node processes that this one has started, and theirs. */
export function watchWorkers(): MemoryWatch {
  let peak = 0;
  const look = (): void => {
    for (const pid of descendants(process.pid)) peak = Math.max(peak, peakOf(pid));
  };
  const timer = setInterval(look, 250);
  return {
    stop() {
      clearInterval(timer);
      look();
      return peak;
    },
  };
}

function descendants(ancestor: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // The name in parentheses may hold anything; the parent's number is the second field behind it.
    const parent = read(`/proc/${name}/stat`)?.split(") ").at(-1)?.split(" ")[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === ancestor || isBelow(parents.get(pid)));
  return [...parents.keys()].filter((pid) => pid !== ancestor && isBelow(pid) && isNode(pid));
}

function isNode(pid: number): boolean {
  return (read(`/proc/${pid}/cmdline`)?.split("\0")[0] ?? "").endsWith("node");
}

function peakOf(pid: number): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? 0) * 1024;
}

/** Undefined when the process has ended meanwhile. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
