/** Steps of the measured jobs, in a module of their own: workers load it by its name. */
import { type KV, registerFunctions } from "beam-indexeddb/beam";
import { encodeKey, encodeValue, SnapshotRecord } from "beam-indexeddb/snapshot";

/** Numbers below `count`, from one call. */
export class EmitNumbers {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  *process(): Generator<number> {
    for (let n = 0; n < this.count; n++) yield n;
  }
}

/** Keeps a processor busy for each element: rounds of a hash, the same work on every machine, whatever else runs there. */
export class Hash {
  readonly rounds: number;

  constructor(rounds: number) {
    this.rounds = rounds;
  }

  *process(n: number): Generator<number> {
    let hash = n | 0;
    for (let round = 0; round < this.rounds; round++) hash = Math.imul(hash ^ round, 0x01000193);
    // The result matters, so that no compiler takes the loop out.
    yield hash === 0 ? n + 1 : n;
  }
}

export interface Grouping {
  /** Elements to group. */
  readonly elements: number;
  /** Keys among them. */
  readonly keys: number;
}

function contentOf(key: number) {
  return {
    id: key,
    title: `Shopping list number ${key}`,
    body: "Milk, bread, apples, the good cheese, something for Sunday",
    done: key % 3 === 0,
    updatedAt: 1_700_000_000_000 + key,
    tags: ["home", `week-${key % 52}`],
    place: { name: "Market hall", distance: 1.5 },
  };
}

/** Contents that repeat, so that what is measured is the grouping and not the making of elements. */
const contents = 1000;

/** Records as a snapshot file gives them: encoded. */
export class EmitRecords {
  readonly elements: number;
  readonly keys: number;

  constructor({ elements, keys }: Grouping) {
    this.elements = elements;
    this.keys = keys;
  }

  *process(): Generator<SnapshotRecord> {
    const values = Array.from({ length: contents }, (_, key) => encodeValue(contentOf(key)).slice());
    for (let n = 0; n < this.elements; n++) {
      yield SnapshotRecord.fromBytes({
        database: "app",
        store: "todos",
        keyBytes: encodeKey(n % this.keys),
        valueBytes: values[n % contents]!,
      });
    }
  }
}

/** The same content as objects, as JSON.parse gives them, beside their keys. */
export class EmitObjects {
  readonly elements: number;
  readonly keys: number;

  constructor({ elements, keys }: Grouping) {
    this.elements = elements;
    this.keys = keys;
  }

  *process(): Generator<KV<string, object>> {
    const values = Array.from({ length: contents }, (_, key) => contentOf(key));
    for (let n = 0; n < this.elements; n++)
      yield { key: `app/todos/${n % this.keys}`, value: values[n % contents]! };
  }
}

/** How many elements a group has. */
export function sizeOfRecords({ records }: { readonly records: readonly unknown[] }): number {
  return records.length;
}

/** How many elements a group has. */
export function sizeOfObjects({ value }: KV<string, Iterable<object>>): number {
  let size = 0;
  for (const object of value) if ("id" in object) size++;
  return size;
}

registerFunctions("beam-indexeddb/bench/runners", {
  EmitNumbers,
  Hash,
  EmitRecords,
  EmitObjects,
  sizeOfRecords,
  sizeOfObjects,
});
