import {
  type Attachment,
  type DeletedNote,
  type Note,
  type NotesDatabase,
  type OutboxEntry,
  deletedNote,
} from "./database.js";
import { type Picture, drawPicture } from "./picture.js";

/**
 * Three devices of one person, after a day apart. All start from the same six notes; then each goes its own way:
 *
 * | note | phone | laptop | tablet | after a merge by `updatedAt` |
 * |---|---|---|---|---|
 * | groceries | edited 10:05 | edited 13:40 | - | laptop's |
 * | lisbon | - | edited 11:15, a picture more | edited 09:30 | laptop's |
 * | books | deleted 12:20 | edited 09:50 | - | deleted |
 * | band | edited 14:00 | - | deleted 08:45 | phone's: edited after the deletion |
 * | recipe | - | - | - | unchanged |
 * | ideas | edited 15:00 | - | edited 15:00, otherwise | one of the two, always the same |
 * | sunset, meeting, sketch | phone only | laptop only | tablet only | all three |
 *
 * Every date and byte is fixed, so that snapshots of a seeded device differ only in what the device itself adds.
 */
export const demoDevices = ["phone", "laptop", "tablet"] as const;
export type DemoDevice = (typeof demoDevices)[number];

interface DemoContent {
  readonly notes: readonly (Note | DeletedNote)[];
  readonly outbox: readonly OutboxEntry[];
}

/** Puts a device's notes and outbox in the place of everything that is there. */
export async function seedDevice(db: NotesDatabase, device: DemoDevice): Promise<void> {
  const { notes, outbox } = contentOf(device);
  const transaction = db.transaction(["notes", "outbox"], "readwrite");
  const noteStore = transaction.objectStore("notes");
  const outboxStore = transaction.objectStore("outbox");
  await Promise.all([
    noteStore.clear(),
    outboxStore.clear(),
    ...notes.map((note) => noteStore.put(note)),
    ...outbox.map((entry) => outboxStore.add(entry)),
    transaction.done,
  ]);
}

const at = (time: string): Date => new Date(`2026-05-02T${time}:00.000Z`);
const dayBefore = (time: string): Date => new Date(`2026-05-01T${time}:00.000Z`);

function picture(name: string, parts: Picture): Attachment {
  return { name, content: new Blob([drawPicture(parts)], { type: "image/png" }) };
}

function textFile(name: string, type: string, text: string): Attachment {
  return { name, content: new File([text], name, { type, lastModified: dayBefore("08:00").getTime() }) };
}

function note(parts: Pick<Note, "id" | "title" | "text" | "updatedAt"> & Partial<Note>): Note {
  return {
    color: "paper",
    pinned: false,
    tags: [],
    attachments: [],
    createdAt: dayBefore("18:00"),
    deleted: false,
    ...parts,
  };
}

function commonNotes(): Record<string, Note> {
  const notes = [
    note({
      id: "groceries",
      title: "Groceries",
      text: "Tomatoes\nOlive oil\nBread",
      color: "mint",
      tags: ["home", "shopping"],
      updatedAt: dayBefore("18:05"),
    }),
    note({
      id: "lisbon",
      title: "Trip to Lisbon",
      text: "Flight on Friday 07:25, gate closes at 06:55.\nAsk Inês about the place with the view.",
      color: "sky",
      pinned: true,
      tags: ["travel"],
      attachments: [picture("miradouro.png", { hue: 18, sun: 0.72, phase: 0.4 })],
      updatedAt: dayBefore("18:10"),
    }),
    note({
      id: "books",
      title: "Books to return",
      text: "The library wants them back by the 9th.",
      color: "peach",
      tags: ["home"],
      updatedAt: dayBefore("18:15"),
    }),
    note({
      id: "band",
      title: "Band practice",
      text: "Tuesday, 20:00, the garage. Bring the long cable.",
      color: "lilac",
      tags: ["music"],
      updatedAt: dayBefore("18:20"),
    }),
    note({
      id: "recipe",
      title: "Grandma's lentil soup",
      text: "Onion, carrot, celery. Lentils, twice the water.\nA spoon of vinegar at the end — that is the whole secret.",
      color: "sun",
      tags: ["home", "recipes"],
      attachments: [
        textFile("soup.txt", "text/plain", "200 g lentils\n1 onion\n2 carrots\n1 spoon of vinegar\n"),
      ],
      updatedAt: dayBefore("18:25"),
    }),
    note({
      id: "ideas",
      title: "Ideas",
      text: "A clock that only shows whether it is late.",
      color: "rose",
      tags: ["music", "work"],
      updatedAt: dayBefore("18:30"),
    }),
  ];
  return Object.fromEntries(notes.map((one) => [one.id, one]));
}

/** Later edits of a device, in order. */
function changesOf(device: DemoDevice, common: Record<string, Note>): (Note | DeletedNote)[] {
  const edit = (id: string, changes: Partial<Note>): Note => ({ ...common[id]!, ...changes });
  switch (device) {
    case "phone":
      return [
        edit("groceries", { text: "Tomatoes\nOlive oil\nBread\nMilk", updatedAt: at("10:05") }),
        deletedNote("books", at("12:20")),
        edit("band", {
          text: "Moved to Wednesday, 19:30. Bring the long cable.",
          pinned: true,
          updatedAt: at("14:00"),
        }),
        edit("ideas", {
          text: "A clock that only shows whether it is late.\nAn umbrella with a window.",
          updatedAt: at("15:00"),
        }),
        note({
          id: "sunset",
          title: "On the way home",
          text: "The light over the ridge, 20:41.",
          color: "peach",
          tags: ["photos"],
          attachments: [
            picture("ridge.png", { hue: 350, sun: 0.3, phase: 2.2 }),
            picture("ridge-later.png", { hue: 285, sun: 0.55, phase: 2.9 }),
          ],
          createdAt: at("20:41"),
          updatedAt: at("20:44"),
        }),
      ];
    case "laptop":
      return [
        edit("books", {
          text: "The library wants them back by the 9th. Renewed until the 23rd.",
          updatedAt: at("09:50"),
        }),
        edit("lisbon", {
          text: "Flight on Friday 07:25, gate closes at 06:55.\nInês says: Miradouro da Graça, before nine.",
          tags: ["photos", "travel"],
          attachments: [
            ...common.lisbon!.attachments,
            picture("river.png", { hue: 195, sun: 0.2, phase: 5.1 }),
          ],
          updatedAt: at("11:15"),
        }),
        edit("groceries", {
          text: "Tomatoes\nOlive oil\nBread\nCoffee, the dark one",
          updatedAt: at("13:40"),
        }),
        note({
          id: "meeting",
          title: "Minutes, Monday",
          text: "1. The offline mode ships first.\n2. Nobody deletes the old export before the new one has been tried.",
          color: "sky",
          tags: ["work"],
          attachments: [
            textFile("minutes.md", "text/markdown", "# Monday\n\n- offline first\n- keep the old export\n"),
            textFile("numbers.csv", "text/csv", "week,devices\n17,1204\n18,1377\n"),
          ],
          createdAt: at("16:00"),
          updatedAt: at("16:30"),
        }),
      ];
    case "tablet":
      return [
        deletedNote("band", at("08:45")),
        edit("lisbon", {
          text: "Flight on Friday. Ask Inês about the place with the view.",
          updatedAt: at("09:30"),
        }),
        edit("ideas", {
          text: "A clock that only shows whether it is late.\nA book that is warm in winter.",
          updatedAt: at("15:00"),
        }),
        note({
          id: "sketch",
          title: "Sketch",
          text: "Hills in two colours. Next time without the sun.",
          color: "mint",
          tags: ["photos"],
          attachments: [picture("hills.png", { hue: 130, sun: 0.8, phase: 4 })],
          createdAt: at("17:10"),
          updatedAt: at("17:25"),
        }),
      ];
  }
}

function contentOf(device: DemoDevice): DemoContent {
  const common = commonNotes();
  const changes = changesOf(device, common);
  const notes = new Map<string, Note | DeletedNote>(Object.entries(common));
  for (const change of changes) notes.set(change.id, change);
  const outbox = changes.map((change): OutboxEntry => {
    const action = change.deleted ? "delete" : change.id in common ? "edit" : "create";
    return { action, noteId: change.id, at: change.updatedAt };
  });
  return { notes: [...notes.values()], outbox };
}
