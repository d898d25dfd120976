import { cpus, totalmem } from "node:os";
import type { Bench, BenchResult, BenchTable, Figure, Target } from "./bench.js";

/** A bench that was run. */
export interface BenchRun {
  readonly bench: Bench;
  readonly seconds: number;
  readonly result: BenchResult;
}

/** Where and when the figures were measured: without it they mean nothing. */
export interface Circumstances {
  readonly date: string;
  readonly node: string;
  readonly machine: string;
  readonly quick: boolean;
}

export function circumstances(quick: boolean, now = new Date()): Circumstances {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    date: now.toISOString(),
    node: process.version,
    machine: `${process.platform} ${process.arch}, ${processors.length} x ${processors[0]?.model.trim() ?? "processor of unknown model"}, ${memory} GiB`,
    quick,
  };
}

/** Whether a figure keeps its bounds; undefined where it has none. */
export function meets({ measured, target }: Figure): boolean | undefined {
  if (!target) return undefined;
  return measured <= (target.atMost ?? Infinity) && measured >= (target.atLeast ?? -Infinity);
}

/** The result as text, in Markdown's tables, to be read or copied into a document. */
export function reportText({ bench, seconds, result }: BenchRun): string {
  const figures: BenchTable = {
    title: "Figures",
    columns: ["figure", "measured", "target", ""],
    rows: result.figures.map((figure) => [
      figure.what,
      `${rounded(figure.measured)} ${figure.unit}`,
      targetText(figure.target, figure.unit),
      { true: "met", false: "missed", undefined: "" }[`${meets(figure)}`],
    ]),
  };
  const tables = figures.rows.length > 0 ? [...result.tables, figures] : result.tables;
  return `## ${bench.name}: ${bench.title} (${rounded(seconds)} s)\n\n${tables.map(tableText).join("\n")}`;
}

/** Everything as one JSON value. */
export function reportJson(where: Circumstances, runs: readonly BenchRun[]): string {
  const results = runs.map(({ bench: { name, title }, seconds, result }) => ({
    name,
    title,
    seconds,
    tables: result.tables,
    figures: result.figures.map((figure) => ({ ...figure, met: meets(figure) })),
  }));
  return `${JSON.stringify({ ...where, results }, undefined, 2)}\n`;
}

function tableText({ title, columns, rows }: BenchTable): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? "").length)));
  const text = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |\n`;
  return `${title}\n\n${text(columns)}${text(widths.map((width) => "-".repeat(width)))}${rows.map(text).join("")}`;
}

function targetText(target: Target | undefined, unit: string): string {
  if (!target) return "";
  const bounds = [];
  if (target.atLeast !== undefined) bounds.push(`at least ${target.atLeast} ${unit}`);
  if (target.atMost !== undefined) bounds.push(`at most ${target.atMost} ${unit}`);
  return bounds.join(", ");
}

/** Three digits that count, and never an exponent. */
export function rounded(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}
