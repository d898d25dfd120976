import { AssertionError } from "node:assert";
import { inspect } from "node:util";
import {
  decodeElement,
  encodeElement,
  encodeGroupKey,
  flatten,
  globalWindows,
  groupByKey,
  impulse,
  type KV,
  P,
  parDo,
  type PCollection,
  type PTransform,
  registerFunctions,
  windowInto,
  withName,
} from "../beam/index.js";
import { SnapshotRecord } from "../snapshot/index.js";
import { structuredEqual } from "./structured-equal.js";

/**
 * Fails the pipeline unless the PCollection holds exactly these elements, in any order and as often as given here, by `structuredEqual`:
 * "1" is not 1, an absent property not undefined, -0 not 0. Also for an empty PCollection. Elements of all windows count together.
 *
 * @throws when the pipeline runs: AssertionError with what is missing and what is unexpected, with counts.
 * @example root.apply(create(["a", "b"])).apply(countGlobally()).apply(assertElements([2]));
 */
export function assertElements<T>(expected: readonly T[]): PTransform<PCollection<T>, void> {
  return assertion("assertElements", expected, false);
}

/** What is compared besides database, store, key, value and deletion. */
export interface AssertRecordsOptions {
  /** Compare origins, too. Default false: database, store, key, value and `deleted`. */
  readonly origin?: boolean | undefined;
}

/**
 * `assertElements` for records: database, store, key, value and `deleted`, with 0 and -0 apart in both key and value.
 * @example merged.apply(assertRecords([SnapshotRecord.of({ database: "app", store: "notes", key: 1, value: { title: "Milk" } })]));
 */
export function assertRecords(
  expected: readonly SnapshotRecord[],
  options: AssertRecordsOptions = {},
): PTransform<PCollection<SnapshotRecord>, void> {
  return assertion("assertRecords", expected, options.origin !== true);
}

let serial = 0;

function assertion<T>(
  name: string,
  expected: readonly T[],
  dropOrigin: boolean,
): PTransform<PCollection<T>, void> {
  const check = new CheckElements(name, expected, dropOrigin);
  // Stages need names of their own, and several assertions in one pipeline are the rule.
  return withName(`${name}_${++serial}`, (input: PCollection<T>): void => {
    // One element of our own, so that the check is made for an empty PCollection, too.
    const marker = input
      .root()
      .apply(impulse())
      .apply(withName("marker", parDo(new MarkEnd())));
    const actual = input
      .apply(withName("window", windowInto<T, never>(globalWindows() as never)))
      .apply(withName("encode", parDo(new EncodeActual())));
    P([marker, actual])
      .apply(flatten<KV<null, Uint8Array | null>>())
      .apply(groupByKey())
      .apply(withName("check", parDo(check)));
  });
}

export class MarkEnd {
  *process(_impulse: Uint8Array): Generator<KV<null, Uint8Array | null>> {
    yield { key: null, value: null };
  }
}

export class EncodeActual {
  *process(element: unknown): Generator<KV<null, Uint8Array | null>> {
    yield { key: null, value: encodeElement(element) };
  }
}

export class CheckElements {
  readonly name: string;
  readonly expected: readonly Uint8Array[];
  readonly dropOrigin: boolean;

  constructor(name: string, expected: readonly unknown[], dropOrigin: boolean) {
    this.name = name;
    this.expected = expected.map((element) => encodeElement(element));
    this.dropOrigin = dropOrigin;
  }

  process({ value }: KV<null, Iterable<Uint8Array | null>>): void {
    const actual = [...value].filter((bytes) => bytes !== null);
    const { missing, unexpected } = difference(this.comparable(this.expected), this.comparable(actual));
    if (missing.length === 0 && unexpected.length === 0) return;
    throw new AssertionError({
      message: `${this.name}: ${missing.length} missing, ${unexpected.length} unexpected of ${this.expected.length} expected and ${actual.length} actual elements.${list("Missing", missing)}${list("Unexpected", unexpected)}`,
      operator: this.name,
    });
  }

  private comparable(encoded: readonly Uint8Array[]): unknown[] {
    return encoded.map((bytes) => {
      const element = decodeElement(bytes);
      return this.dropOrigin && element instanceof SnapshotRecord
        ? element.with({ origin: noOrigin })
        : element;
    });
  }
}

const noOrigin = { device: "", snapshot: "", capturedAt: 0, sequence: 0 };

/** Elements of the one list that have no partner in the other. */
function difference(
  expected: readonly unknown[],
  actual: readonly unknown[],
): { missing: unknown[]; unexpected: unknown[] } {
  const open = new Map<string, unknown[]>();
  for (const element of expected) {
    const bucket = bucketOf(element);
    const list = open.get(bucket);
    if (list) list.push(element);
    else open.set(bucket, [element]);
  }
  const unexpected: unknown[] = [];
  for (const element of actual) {
    const list = open.get(bucketOf(element)) ?? [];
    const at = list.findIndex((candidate) => structuredEqual(candidate, element));
    if (at < 0) unexpected.push(element);
    else list.splice(at, 1);
  }
  const missing = [...open.values()].flat();
  // What equality leaves out (the stack of an error) may still part equal elements into two buckets; few are left to try.
  if (missing.length * unexpected.length > maxComparisons) return { missing, unexpected };
  return {
    unexpected: unexpected.filter((element) => {
      const at = missing.findIndex((candidate) => structuredEqual(candidate, element));
      if (at >= 0) missing.splice(at, 1);
      return at < 0;
    }),
    missing,
  };
}

const maxComparisons = 1_000_000;

/** Equal elements have the same bucket; the search within one is by comparison. */
function bucketOf(element: unknown): string {
  if (element instanceof SnapshotRecord)
    return `${element.store} ${Buffer.from(element.keyBytes).toString("base64")}`;
  try {
    return Buffer.from(encodeGroupKey(element)).toString("base64");
  } catch {
    // Elements with a cycle have no canonical bytes.
    return "";
  }
}

function isRecord(value: unknown): value is SnapshotRecord {
  return value instanceof SnapshotRecord;
}

const shown = 20;

function list(title: string, elements: readonly unknown[]): string {
  if (elements.length === 0) return "";
  const counts = new Map<string, number>();
  for (const element of elements) {
    const text = print(element);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const lines = [...counts].slice(0, shown).map(([text, count]) => `\n  ${count} x ${text}`);
  const more = counts.size > shown ? `\n  ... and ${counts.size - shown} more` : "";
  return `\n${title}:${lines.join("")}${more}`;
}

function print(element: unknown): string {
  if (!isRecord(element)) return inspect(element, { depth: 6, breakLength: Infinity, sorted: true });
  const { database, store, key, deleted, origin } = element;
  const value: unknown = element.value;
  return inspect(
    {
      database,
      store,
      key,
      ...(deleted ? { deleted } : { value }),
      ...(origin.device === "" ? {} : { origin }),
    },
    {
      depth: 6,
      breakLength: Infinity,
    },
  );
}

registerFunctions("beam-indexeddb/testing", { MarkEnd, EncodeActual, CheckElements });
