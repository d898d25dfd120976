import type { ConversionIssue, ConversionIssueCode } from "./conversion.js";

/** Counts what was found in the values of each store. */
export class IssueCounts {
  private readonly counts = new Map<string, { code: ConversionIssueCode; store: string; count: number }>();

  add(code: ConversionIssueCode, store: string): void {
    const id = `${code} ${store}`;
    const entry = this.counts.get(id);
    if (entry) entry.count++;
    else this.counts.set(id, { code, store, count: 1 });
  }

  issues(messages: Readonly<Partial<Record<ConversionIssueCode, string>>>): ConversionIssue[] {
    return [...this.counts.values()].map((entry) => ({ ...entry, message: messages[entry.code] ?? "" }));
  }
}
