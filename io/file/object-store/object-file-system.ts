import { randomUUID } from "node:crypto";
import picomatch from "picomatch";
import { SnapshotError } from "../../../snapshot/index.js";
import type { FileMetadata, FileSystem } from "../file-system.js";
import { splitPattern, unescapeGlob } from "../split-pattern.js";
import { conflictError, objectPlace, objectPrefix } from "./object-place.js";
import type { Expected, ObjectInfo, ObjectPlace, ObjectStore } from "./object-store.js";
import { objectWriter } from "./object-writer.js";
import { readAhead } from "./read-ahead.js";

/** Deletes go out by so many names. */
const deleteBatch = 1000;

/**
 * Files as objects of a store. There are no folders: what lies "in" one is what has its name and a slash in front. A rename is a copy inside the store, which shows at once,
 * and a delete.
 */
export function objectFileSystem(store: ObjectStore): FileSystem {
  const pathOf = (bucket: string, name: string): string => `${store.scheme}://${bucket}/${name}`;
  const metadata = (bucket: string, { name, size, lastModified }: ObjectInfo): FileMetadata => ({
    path: pathOf(bucket, name),
    size,
    lastModified,
  });
  const found = async (path: string): Promise<ObjectInfo> => {
    const info = await store.stat(objectPlace(path));
    if (info) return info;
    throw new SnapshotError("FILE_NOT_FOUND", `${JSON.stringify(path)} does not exist. Check the path.`, {
      file: path,
    });
  };
  const removeFolder = async (path: string): Promise<void> => {
    const { bucket, name } = objectPrefix(path);
    const prefix = `${name.replace(/\/$/, "")}/`;
    if (prefix === "/")
      throw new TypeError(`${JSON.stringify(path)} is a whole bucket: only folders in it are deleted.`);
    let names: string[] = [];
    for await (const { objects } of store.list(bucket, prefix, false)) {
      names.push(...objects.map((object) => object.name));
      if (names.length < deleteBatch) continue;
      await store.deleteAll(bucket, names);
      names = [];
    }
    if (names.length > 0) await store.deleteAll(bucket, names);
  };

  return {
    async list(pattern) {
      const { folder, glob } = splitPattern(pattern);
      const literal = objectPrefix(unescapeGlob(pattern));
      if (glob === "") {
        const info = await store.stat(objectPlace(unescapeGlob(pattern)));
        return info ? [metadata(literal.bucket, info)] : [];
      }
      const { bucket, name } = objectPrefix(folder);
      const base = folder.split("/").length > 3 ? `${name}/` : "";
      const prefix = base + unescapeGlob(/^(?:\\.|[^*?[\]{}\\])*/s.exec(glob)![0]);
      const matches = picomatch(glob, { dot: false });
      const files: FileMetadata[] = [];
      for await (const { objects } of store.list(
        bucket,
        prefix,
        !glob.includes("/") && !glob.includes("**"),
      )) {
        for (const object of objects) {
          // A file of exactly this name is meant, whatever its name looks like.
          if (pathOf(bucket, object.name) === pattern) return [metadata(bucket, object)];
          // Consoles mark folders with empty objects whose names end in a slash.
          if (!object.name.endsWith("/") && matches(object.name.slice(base.length)))
            files.push(metadata(bucket, object));
        }
      }
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    },

    async stat(path) {
      const place = objectPlace(path);
      const info = await store.stat(place);
      return info && metadata(place.bucket, info);
    },

    async open(path) {
      const place = objectPlace(path);
      const { size, version } = await found(path);
      return readAhead(path, size, (start, end) => store.read(place, version, start, end));
    },

    // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown becomes a rejection
    async create(path) {
      return objectWriter(store, objectPlace(path), path);
    },

    async createIfAbsent(path, bytes) {
      const token = randomUUID();
      return (await store.put(objectPlace(path), bytes, { token, expected: { absent: true } })) || undefined;
    },

    async identity(path) {
      return (await store.stat(objectPlace(path)))?.version;
    },

    async replaceIfSame(path, version, bytes) {
      const token = randomUUID();
      return (await store.put(objectPlace(path), bytes, { token, expected: { version } })) || undefined;
    },

    async rename(from, to) {
      const source = await found(from);
      const places = { from: objectPlace(from), to: objectPlace(to) };
      const old = await store.stat(places.to);
      const expected: Expected = old ? { version: old.version } : { absent: true };
      // A copy that was made before, and its delete not: it is the same work.
      const isDone = old?.token !== undefined && old.token === source.token && old.size === source.size;
      if (
        !isDone &&
        !(await store.copy(places.from, source, places.to, expected)) &&
        !(await isCopy(store, places.to, source))
      )
        throw conflictError(to);
      await store.delete(places.from, source.version);
    },

    delete: async (path) => store.delete(objectPlace(path)),
    deleteIfSame: async (path, version) => store.delete(objectPlace(path), version),
    deleteFolder: removeFolder,

    async listFolders(folder, start) {
      const { bucket, name } = objectPrefix(folder);
      const base = folder.split("/").length > 3 ? `${name.replace(/\/$/, "")}/` : "";
      const paths = new Set<string>();
      for await (const { folders } of store.list(bucket, base + start, true))
        for (const found of folders) paths.add(pathOf(bucket, found.replace(/\/$/, "")));
      return [...paths];
    },

    async lastChange(folder) {
      let latest: number | undefined;
      const { bucket, name } = objectPrefix(folder);
      for await (const { objects } of store.list(bucket, `${name}/`, false))
        for (const { lastModified } of objects) latest = Math.max(latest ?? 0, lastModified);
      return latest;
    },
  };
}

/** A copy whose answer was lost finds itself in the way when it is tried again. */
async function isCopy(store: ObjectStore, place: ObjectPlace, { token, size }: ObjectInfo): Promise<boolean> {
  const there = await store.stat(place);
  return there !== undefined && token !== undefined && there.token === token && there.size === size;
}
