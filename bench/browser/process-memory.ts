import { readFile, readdir, writeFile } from "node:fs/promises";

/** Peak memory of the browser's processes in MB, by pid; `resetPeaks` starts anew. Linux only. */
export async function memoryPeaks(pid: number): Promise<ReadonlyMap<number, number>> {
  const peaks = new Map<number, number>();
  for (const process of await descendants(pid)) {
    const status = await readFile(`/proc/${process}/status`, "utf8").catch(() => "");
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(status);
    if (peak) peaks.set(process, Number(peak[1]) / 1024);
  }
  return peaks;
}

export async function resetPeaks(pid: number): Promise<void> {
  for (const process of await descendants(pid))
    await writeFile(`/proc/${process}/clear_refs`, "5").catch(() => undefined);
}

export interface MemoryWatch {
  /** Peak of the process that runs the page, since the watch began, above what it had then. */
  pageMegabytes(): Promise<number>;
}

/** Watches the processes that run pages: renderers of Chromium, content processes of Firefox. */
export async function watchMemory(pid: number): Promise<MemoryWatch> {
  await resetPeaks(pid);
  const before = await memoryPeaks(pid);
  return {
    async pageMegabytes() {
      let most = 0;
      for (const [process, peak] of await memoryPeaks(pid)) {
        const start = before.get(process);
        if (start !== undefined && (await runsPages(process))) most = Math.max(most, peak - start);
      }
      return most;
    },
  };
}

/** Processes below `pid` that run pages, as their ids. */
export async function pageProcesses(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const process of await descendants(pid)) if (await runsPages(process)) found.push(process);
  return found;
}

async function runsPages(pid: number): Promise<boolean> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const args = line.split("\0").filter((part) => part !== "");
  return args.includes("--type=renderer") || (args.includes("-contentproc") && args.at(-1) === "tab");
}

async function descendants(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!));
  return [...parents.keys()].filter(isBelow);
}
