import { type DBSchema, type IDBPDatabase, openDB } from "idb";

/**
 * The app's database.
 *
 * Devices work offline and are merged later, note by note: the version with the later `updatedAt` wins. That is only right when a
 * deletion takes part, too. A note that were simply deleted would leave no trace in a full snapshot, and the merge would bring it back from every
 * device that still has it. So the app keeps a deletion as a note without content, `{ id, deleted: true, updatedAt, ... }`, hides it, and
 * lets it compete by `updatedAt` like any other edit: whoever edited after the deletion keeps the note, all others lose it.
 */
export interface NotesDB extends DBSchema {
  notes: {
    key: string;
    value: Note | DeletedNote;
    indexes: { tags: string; updatedAt: Date };
  };
  /** What this device has done, in order, for a server to fetch. It belongs to the device: backed up with it, never merged. */
  outbox: {
    key: number;
    value: OutboxEntry;
  };
}

export interface Note {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly color: NoteColor;
  readonly pinned: boolean;
  readonly tags: readonly string[];
  readonly attachments: readonly Attachment[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deleted: false;
}

export interface DeletedNote {
  readonly id: string;
  readonly tags: readonly [];
  readonly updatedAt: Date;
  readonly deleted: true;
}

export interface Attachment {
  readonly name: string;
  /** A File as it was chosen, or a Blob that the app made. */
  readonly content: Blob;
}

export interface OutboxEntry {
  readonly action: "create" | "edit" | "delete";
  readonly noteId: string;
  readonly at: Date;
}

export const noteColors = ["paper", "sun", "peach", "rose", "sky", "mint", "lilac"] as const;
export type NoteColor = (typeof noteColors)[number];

export type NotesDatabase = IDBPDatabase<NotesDB>;

export const databaseName = "notes";
export const databaseVersion = 2;

/** @param onVersionChange another tab, or an import, wants the database for itself; the connection has been closed. */
export function openNotes(onVersionChange: () => void): Promise<NotesDatabase> {
  return openDB<NotesDB>(databaseName, databaseVersion, {
    upgrade(db, oldVersion, _newVersion, transaction) {
      if (oldVersion < 1) {
        const notes = db.createObjectStore("notes", { keyPath: "id" });
        notes.createIndex("updatedAt", "updatedAt");
        db.createObjectStore("outbox", { autoIncrement: true });
      }
      if (oldVersion < 2) transaction.objectStore("notes").createIndex("tags", "tags", { multiEntry: true });
    },
    blocking(_currentVersion, _blockedVersion, event) {
      (event.target as IDBDatabase).close();
      onVersionChange();
    },
  });
}

/** Pinned notes first, then the latest edit first. With a tag, the multiEntry index finds the notes. */
export async function listNotes(db: NotesDatabase, tag?: string): Promise<Note[]> {
  const all = tag === undefined ? await db.getAll("notes") : await db.getAllFromIndex("notes", "tags", tag);
  const notes = all.filter((note) => !note.deleted);
  return notes.sort(
    (a, b) => Number(b.pinned) - Number(a.pinned) || b.updatedAt.getTime() - a.updatedAt.getTime(),
  );
}

/** Every tag with the number of notes that have it, in the order of the alphabet. */
export async function countTags(db: NotesDatabase): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const { store } = db.transaction("notes");
  for (let cursor = await store.index("tags").openKeyCursor(); cursor; cursor = await cursor.continue())
    counts.set(cursor.key, (counts.get(cursor.key) ?? 0) + 1);
  return counts;
}

/** The note and its outbox entry are written together, or neither. */
export async function putNote(
  db: NotesDatabase,
  note: Note | DeletedNote,
  action: OutboxEntry["action"],
): Promise<void> {
  const transaction = db.transaction(["notes", "outbox"], "readwrite");
  await Promise.all([
    transaction.objectStore("notes").put(note),
    transaction.objectStore("outbox").add({ action, noteId: note.id, at: note.updatedAt }),
    transaction.done,
  ]);
}

export function deletedNote(id: string, updatedAt: Date): DeletedNote {
  return { id, tags: [], updatedAt, deleted: true };
}
