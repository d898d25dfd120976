import "fake-indexeddb/auto";
import { inflateSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Note,
  type NotesDatabase,
  countTags,
  databaseName,
  deletedNote,
  listNotes,
  openNotes,
  putNote,
} from "../../examples/notes/database.js";
import { drawPicture } from "../../examples/notes/picture.js";
import { type DemoDevice, demoDevices, seedDevice } from "../../examples/notes/seed.js";

let db: NotesDatabase;
beforeEach(async () => {
  db = await openNotes(() => undefined);
});
afterEach(async () => {
  db.close();
  await new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseName);
    request.onsuccess = resolve;
    request.onerror = reject;
  });
});

const titlesOf = (notes: readonly Note[]): string[] => notes.map(({ title }) => title);

describe("the notes app's database", () => {
  const note = (id: string, parts: Partial<Note>): Note => ({
    id,
    title: id,
    text: "",
    color: "paper",
    pinned: false,
    tags: [],
    attachments: [],
    createdAt: new Date(0),
    updatedAt: new Date(0),
    deleted: false,
    ...parts,
  });

  test("lists pinned notes first, then the latest edit", async () => {
    await putNote(db, note("old", { updatedAt: new Date(1) }), "create");
    await putNote(db, note("new", { updatedAt: new Date(2) }), "create");
    await putNote(db, note("pinned", { pinned: true }), "create");
    expect(titlesOf(await listNotes(db))).toEqual(["pinned", "new", "old"]);
  });

  test("finds notes by any of their tags", async () => {
    await putNote(db, note("a", { tags: ["x", "y"] }), "create");
    await putNote(db, note("b", { tags: ["y"] }), "create");
    expect(titlesOf(await listNotes(db, "x"))).toEqual(["a"]);
    expect(Object.fromEntries(await countTags(db))).toEqual({ x: 1, y: 2 });
  });

  test("keeps a deletion as a record, hidden, without tags, and logs every action", async () => {
    await putNote(db, note("a", { tags: ["x"] }), "create");
    await putNote(db, deletedNote("a", new Date(5)), "delete");
    expect(await listNotes(db)).toEqual([]);
    expect((await countTags(db)).size).toBe(0);
    expect(await db.get("notes", "a")).toEqual({ id: "a", tags: [], updatedAt: new Date(5), deleted: true });
    expect(await db.getAllKeys("outbox")).toEqual([1, 2]);
    expect((await db.getAll("outbox")).map(({ action }) => action)).toEqual(["create", "delete"]);
  });
});

describe("the demo devices", () => {
  const notesOf = async (
    device: DemoDevice,
  ): Promise<Map<string, { updatedAt: Date; deleted: boolean; text?: string }>> => {
    await seedDevice(db, device);
    return new Map((await db.getAll("notes")).map((one) => [one.id, one]));
  };

  test.each(demoDevices)("%s is the same every time", async (device) => {
    const first = await notesOf(device);
    expect(await notesOf(device)).toEqual(first);
  });

  test("merge by updatedAt as the table in seed.ts says", async () => {
    const winners = new Map<string, { device: DemoDevice; deleted: boolean; at: number }>();
    for (const device of demoDevices)
      for (const [id, { updatedAt, deleted }] of await notesOf(device)) {
        const known = winners.get(id);
        if (!known || known.at < updatedAt.getTime())
          winners.set(id, { device, deleted, at: updatedAt.getTime() });
      }
    const outcome = Object.fromEntries(
      [...winners].map(([id, { device, deleted }]) => [id, deleted ? "deleted" : device]),
    );
    expect(outcome).toEqual({
      groceries: "laptop",
      lisbon: "laptop",
      books: "deleted",
      band: "phone",
      recipe: "phone",
      ideas: "phone",
      sunset: "phone",
      meeting: "laptop",
      sketch: "tablet",
    });
  });
});

test("a drawn picture is a valid PNG, and always the same", () => {
  const picture = Buffer.from(drawPicture({ hue: 18, sun: 0.7, phase: 1 }));
  expect(picture).toEqual(Buffer.from(drawPicture({ hue: 18, sun: 0.7, phase: 1 })));
  const start = picture.indexOf("IDAT") + 4;
  const pixels = inflateSync(picture.subarray(start, start + picture.readUInt32BE(start - 8)));
  expect(pixels.length).toBe(160 * (1 + 240 / 2));
});
