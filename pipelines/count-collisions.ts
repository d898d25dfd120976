import {
  groupBy,
  type KV,
  listSideInput,
  P,
  parDo,
  type PCollection,
  flatten,
  registerFunctions,
  type SideInputParam,
  withName,
} from "../beam/index.js";
import { nodePlatform } from "../io/index.js";
import { decodeSchema, type SnapshotRecord, toHex } from "../snapshot/index.js";

/** A key that several devices gave to different contents. */
export interface Collision {
  readonly store: string;
}

interface Sighting {
  readonly store: string;
  /** Store and key as text. */
  readonly identity: string;
  readonly device: string;
  /** Hash of the value; "" for a deletion. */
  readonly content: string;
}

/**
 * Keys of stores with a key generator (autoIncrement) under which several devices hold different contents. Each device counts for itself, so
 * these may be different records that a merge by key takes for versions of one. Of each record only a hash is shuffled.
 * @param schemas Schemas of the records' databases, as `encodeSchema` writes them.
 */
export function findCollisions(
  records: PCollection<SnapshotRecord>,
  schemas: readonly PCollection<Uint8Array>[],
): PCollection<Collision> {
  const all = P([...schemas]).apply(withName("collisionSchemas", flatten<Uint8Array>()));
  return records
    .apply(withName("generatedKeys", parDo(new GeneratedKeys(), { schemas: listSideInput(all) })))
    .apply(withName("byGeneratedKey", groupBy<Sighting, string>("identity")))
    .apply(withName("collisions", parDo(new Collisions())));
}

interface SchemasContext {
  readonly schemas: SideInputParam<Uint8Array, Iterable<Uint8Array>, readonly Uint8Array[]>;
}

export class GeneratedKeys {
  private stores: ReadonlySet<string> | undefined;

  startBundle(): void {
    this.stores = undefined;
  }

  *process(record: SnapshotRecord, context: SchemasContext): Generator<Sighting> {
    const { store, keyBytes, valueBytes, origin } = record;
    this.stores ??= generatorStores(context.schemas.lookup());
    if (!this.stores.has(store)) return;
    const hash = nodePlatform.createSha256();
    if (valueBytes) hash.update(valueBytes);
    yield {
      store,
      identity: `${toHex(keyBytes)} ${store}`,
      device: origin.device,
      content: valueBytes ? toHex(hash.digest()) : "",
    };
  }
}

function generatorStores(schemas: readonly Uint8Array[]): ReadonlySet<string> {
  const stores = schemas.flatMap((bytes) => decodeSchema(bytes).objectStores);
  return new Set(stores.filter(({ autoIncrement }) => autoIncrement).map(({ name }) => name));
}

export class Collisions {
  *process({ value }: KV<string, Iterable<Sighting>>): Generator<Collision> {
    const all = [...value];
    const devices = new Set(all.map(({ device }) => device));
    const contents = new Set(all.map(({ content }) => content));
    if (devices.size > 1 && contents.size > 1) yield { store: all[0]!.store };
  }
}

registerFunctions("beam-indexeddb/pipelines", { GeneratedKeys, Collisions });
