import type { Terminal } from "./command.js";

/** Shows how far something is: a line that is rewritten on a terminal, a plain line every few seconds otherwise. */
export interface Progress {
  update(text: string): void;
  /** Removes the line. */
  end(): void;
}

const rewriteMs = 100;
const plainMs = 5000;

export function createProgress(terminal: Terminal, now: () => number = Date.now): Progress {
  let shownAt = now();
  let shown = false;
  let before = "";
  return {
    update(text) {
      const time = now();
      if (time - shownAt < (terminal.isInteractive ? rewriteMs : plainMs)) return;
      // A line that tells nothing new is not worth a line.
      if (text === before && !terminal.isInteractive) return;
      before = text;
      shownAt = time;
      terminal.err(terminal.isInteractive ? `\r\x1b[K${text}` : `${text}\n`);
      shown = true;
    },
    end() {
      if (shown && terminal.isInteractive) terminal.err("\r\x1b[K");
      shown = false;
    },
  };
}

/** 1,234,567 */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** 1.2 MB; decimal units. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
