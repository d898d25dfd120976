import type { Attachment, Note } from "./database.js";
import { BlobUrls, element, formatBytes, formatTime, icon, icons } from "./element.js";

export interface NoteListEvents {
  readonly onOpen: (note: Note) => void;
  readonly onPin: (note: Note) => void;
}

/** The cards. Everything is drawn anew at each change: a screen of notes is small, and there is no second truth beside the database. */
export class NoteList {
  private readonly place: HTMLElement;
  private readonly events: NoteListEvents;
  private readonly urls = new BlobUrls();

  constructor(place: HTMLElement, events: NoteListEvents) {
    this.place = place;
    this.events = events;
  }

  show(notes: readonly Note[], search: string): void {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = notes.filter((note) => words.every((word) => textOf(note).includes(word)));
    const focused = document.activeElement?.closest<HTMLElement>("[data-note-id]")?.dataset.noteId;
    this.urls.release();
    this.place.replaceChildren(
      ...(found.length === 0
        ? [emptyPlace(notes.length > 0 || words.length > 0)]
        : this.sections(found, words)),
    );
    if (focused !== undefined) this.focus(focused);
  }

  /** The keyboard stays where it was, on the card of the note. */
  focus(noteId: string): void {
    const cards = this.place.querySelectorAll<HTMLElement>("[data-note-id]");
    const card = [...cards].find(({ dataset }) => dataset.noteId === noteId);
    card?.querySelector<HTMLElement>(".open")?.focus();
  }

  private sections(notes: readonly Note[], words: readonly string[]): HTMLElement[] {
    const pinned = notes.filter((note) => note.pinned);
    const others = notes.filter((note) => !note.pinned);
    const section = (title: string, part: readonly Note[], headed: boolean): HTMLElement[] => {
      if (part.length === 0) return [];
      const cards = element("div", { class: "cards" }, ...part.map((note) => this.card(note, words)));
      return [...(headed ? [element("h2", {}, title)] : []), cards];
    };
    return [...section("Pinned", pinned, true), ...section("Others", others, pinned.length > 0)];
  }

  private card(note: Note, words: readonly string[]): HTMLElement {
    const card = element("article", {
      class: "card",
      "data-color": note.color,
      "data-note-id": note.id,
      "data-testid": "note",
    });
    const pictures = note.attachments.filter(isPicture);
    if (pictures.length > 0)
      card.append(
        element("div", { class: "pictures" }, ...pictures.slice(0, 3).map((one) => this.thumbnail(one))),
      );
    const open = element(
      "button",
      { type: "button", class: "open" },
      ...marked(note.title || "Untitled", words),
    );
    open.addEventListener("click", () => {
      this.events.onOpen(note);
    });
    card.append(element("h3", {}, open), this.pin(note));
    if (note.text !== "") card.append(element("p", {}, ...marked(note.text, words)));
    const files = note.attachments.filter((attachment) => !isPicture(attachment));
    if (files.length > 0) card.append(element("ul", { class: "chips" }, ...files.map(fileChip)));
    const tags = note.tags.map((tag) => `#${tag}`).join(" ");
    const time = element("time", { datetime: note.updatedAt.toISOString() }, formatTime(note.updatedAt));
    card.append(element("footer", {}, element("span", {}, tags), time));
    return card;
  }

  private thumbnail({ name, content }: Attachment): HTMLElement {
    return element("img", { src: this.urls.of(content), alt: name, decoding: "async" });
  }

  private pin(note: Note): HTMLElement {
    const label = note.pinned ? "Unpin" : "Pin";
    const pin = element(
      "button",
      {
        type: "button",
        class: "pin",
        "aria-pressed": String(note.pinned),
        "aria-label": label,
        title: label,
      },
      icon(icons.pin),
    );
    pin.addEventListener("click", () => {
      this.events.onPin(note);
    });
    return pin;
  }
}

/** Formats that every browser draws; SVG is left out, it may hold scripts. */
export function isPicture({ content }: Attachment): boolean {
  return /^image\/(png|jpeg|gif|webp|avif)$/.test(content.type);
}

function textOf({ title, text, tags, attachments }: Note): string {
  return [title, text, ...tags.map((tag) => `#${tag}`), ...attachments.map(({ name }) => name)]
    .join("\n")
    .toLowerCase();
}

function fileChip({ name, content }: Attachment): HTMLElement {
  const size = element("small", {}, formatBytes(content.size));
  return element("li", { class: "chip" }, icon(icons.file), element("b", {}, name), size);
}

/** The text with the words of the search in <mark>. */
function marked(text: string, words: readonly string[]): (Node | string)[] {
  if (words.length === 0) return [text];
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return text
    .split(new RegExp(`(${pattern})`, "gi"))
    .map((part, i) => (i % 2 === 1 ? element("mark", {}, part) : part));
}

function emptyPlace(filtered: boolean): HTMLElement {
  const [title, text] = filtered
    ? ["Nothing found", "Try fewer words, or another tag."]
    : ["No notes yet", "Press N, or bring your notes along with Import."];
  const drawing = icon("M14 8h26l10 10v38H14z M40 8v10h10 M22 28h20M22 36h20M22 44h12 M6 20v40h32", 64);
  return element("div", { class: "empty" }, drawing, element("strong", {}, title), element("span", {}, text));
}
