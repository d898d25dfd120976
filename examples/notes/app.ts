import { type BackupTask, describeFailure, describeImport, exportNotes, importNotes } from "./backup.js";
import {
  type Note,
  type NotesDatabase,
  countTags,
  deletedNote,
  listNotes,
  openNotes,
  putNote,
} from "./database.js";
import { byId, element } from "./element.js";
import { NoteEditor } from "./note-editor.js";
import { NoteList } from "./note-list.js";
import { type DemoDevice, seedDevice } from "./seed.js";

/**
 * For scripts that drive the app. `ready` once the first notes are on the screen; `exportBytes` is the Export button without the download.
 * `seed` is there only when the address has `?demo`: it replaces all notes.
 */
export interface NotesApp {
  readonly ready: Promise<void>;
  readonly exportBytes: (device?: string) => Promise<Blob>;
  readonly refresh: () => Promise<void>;
  readonly seed?: (device: DemoDevice) => Promise<void>;
}

declare global {
  interface Window {
    notesApp: NotesApp;
  }
}

const search = byId("search", HTMLInputElement);
const tagBar = byId("tags", HTMLElement);
const task = byId("task", HTMLElement);
const taskText = byId("task-text", HTMLSpanElement);
const progress = byId("progress", HTMLProgressElement);
const toast = byId("toast", HTMLDivElement);
const status = byId("status", HTMLOutputElement);
const toastAction = byId("toast-action", HTMLButtonElement);
const exportButton = byId("export", HTMLButtonElement);
const importButton = byId("import", HTMLButtonElement);
const importFile = byId("import-file", HTMLInputElement);

/** Other tabs of the app show what this one changes. */
const tabs = new BroadcastChannel("notes");

let connection: Promise<NotesDatabase> | undefined;
let notes: readonly Note[] = [];
let tags = new Map<string, number>();
let chosenTag: string | undefined;
let cancel: AbortController | undefined;
let undo: (() => void) | undefined;

/** Opened on first use, and again after an import or another tab needed the database for itself. */
function database(): Promise<NotesDatabase> {
  connection ??= openNotes(() => (connection = undefined));
  return connection;
}

const list = new NoteList(byId("notes", HTMLElement), {
  onOpen: (note) => {
    editor.open(note, tags.keys());
  },
  onPin: (note) => {
    void change({ ...note, pinned: !note.pinned, updatedAt: new Date() }, "edit");
  },
});

const editor = new NoteEditor({
  onSave: (note, before) => {
    void change(note, before ? "edit" : "create").then(() => {
      list.focus(note.id);
    });
  },
  onDelete: (note) => {
    void change(deletedNote(note.id, new Date()), "delete").then(() => {
      say(`“${note.title || "Untitled"}” was deleted.`, "info", () => {
        void change({ ...note, updatedAt: new Date() }, "edit");
      });
    });
  },
});

async function change(
  ...[note, action]: [Parameters<typeof putNote>[1], Parameters<typeof putNote>[2]]
): Promise<void> {
  try {
    await putNote(await database(), note, action);
    tabs.postMessage("changed");
    await refresh();
  } catch (error) {
    say(describeFailure(error), "error");
  }
}

async function refresh(): Promise<void> {
  const db = await database();
  tags = await countTags(db);
  if (chosenTag !== undefined && !tags.has(chosenTag)) chosenTag = undefined;
  notes = await listNotes(db, chosenTag);
  showTags();
  list.show(notes, search.value);
}

function showTags(): void {
  const hadFocus = tagBar.contains(document.activeElement);
  const button = (tag: string | undefined, label: string, count?: number): HTMLElement => {
    const made = element("button", { type: "button", "aria-pressed": String(tag === chosenTag) }, label);
    if (count !== undefined) made.append(element("small", {}, String(count)));
    made.addEventListener("click", () => {
      chosenTag = tag === chosenTag ? undefined : tag;
      void refresh();
    });
    return made;
  };
  const buttons = [...tags].map(([tag, count]) => button(tag, `#${tag}`, count));
  tagBar.replaceChildren(...(buttons.length === 0 ? [] : [button(undefined, "All"), ...buttons]));
  if (hadFocus) tagBar.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
}

function say(text: string, kind: "info" | "error", onUndo?: () => void): void {
  status.textContent = text;
  toast.dataset.kind = kind;
  toast.hidden = false;
  undo = onUndo;
  toastAction.hidden = onUndo === undefined;
  toastAction.textContent = "Undo";
}

/** One export or import at a time, with its progress and a way to stop it. */
async function runTask(name: string, body: (task: BackupTask) => Promise<string>): Promise<void> {
  cancel = new AbortController();
  for (const button of [exportButton, importButton]) button.disabled = true;
  toast.hidden = true;
  task.hidden = false;
  taskText.textContent = name;
  progress.removeAttribute("value");
  const onText: BackupTask["onText"] = (text, fraction) => {
    taskText.textContent = text;
    if (fraction === undefined) progress.removeAttribute("value");
    else progress.value = fraction;
  };
  try {
    say(await body({ onText, signal: cancel.signal }), "info");
  } catch (error) {
    say(describeFailure(error), "error");
  } finally {
    task.hidden = true;
    cancel = undefined;
    for (const button of [exportButton, importButton]) button.disabled = false;
  }
}

function download(file: Blob): string {
  const name = `notes-${new Date().toISOString().slice(0, 10)}.idbsnap`;
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: name }).click();
  // The download has its own hold on the Blob once it has begun.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
  return name;
}

async function importFrom(file: Blob): Promise<void> {
  await runTask("Importing …", async (running) => {
    const result = await importNotes(file, running);
    tabs.postMessage("changed");
    await refresh();
    return `Imported: ${describeImport(result) || "nothing"}.`;
  });
}

exportButton.addEventListener("click", () => {
  void runTask("Exporting …", async (running) => {
    const file = await exportNotes(await database(), running);
    return `${download(file)} was saved.`;
  });
});
importButton.addEventListener("click", () => {
  importFile.click();
});
importFile.addEventListener("change", () => {
  const [file] = importFile.files ?? [];
  if (file) void importFrom(file);
  importFile.value = "";
});
byId("task-cancel", HTMLButtonElement).addEventListener("click", () => {
  cancel?.abort();
});
byId("toast-close", HTMLButtonElement).addEventListener("click", () => {
  toast.hidden = true;
});
toastAction.addEventListener("click", () => {
  toast.hidden = true;
  undo?.();
});
byId("new-note", HTMLButtonElement).addEventListener("click", () => {
  editor.open(undefined, tags.keys());
});
search.addEventListener("input", () => {
  list.show(notes, search.value);
});
tabs.addEventListener("message", () => {
  void refresh();
});
document.addEventListener("keydown", (event) => {
  const writing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  if (writing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]"))
    return;
  if (event.key === "n" || event.key === "N") editor.open(undefined, tags.keys());
  else if (event.key === "/") search.focus();
  else return;
  event.preventDefault();
});

window.notesApp = {
  ready: refresh(),
  refresh,
  exportBytes: async (device) =>
    exportNotes(await database(), { onText: () => undefined, signal: new AbortController().signal }, device),
  ...(new URLSearchParams(location.search).has("demo") && {
    seed: async (device: DemoDevice) => {
      await seedDevice(await database(), device);
      await refresh();
    },
  }),
};
