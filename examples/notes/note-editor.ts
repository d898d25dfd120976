import { type Attachment, type Note, type NoteColor, noteColors } from "./database.js";
import { BlobUrls, byId, element, formatBytes, formatTime, icon, icons } from "./element.js";
import { isPicture } from "./note-list.js";

export interface NoteEditorEvents {
  readonly onSave: (note: Note, before: Note | undefined) => void;
  readonly onDelete: (note: Note) => void;
}

const dialog = byId("editor", HTMLDialogElement);
const form = byId("note-form", HTMLFormElement);
const title = byId("note-title", HTMLInputElement);
const text = byId("note-text", HTMLTextAreaElement);
const tags = byId("note-tags", HTMLInputElement);
const pin = byId("note-pin", HTMLInputElement);
const files = byId("note-files", HTMLInputElement);
const colors = byId("note-colors", HTMLDivElement);
const attachmentList = byId("note-attachments", HTMLUListElement);
const knownTags = byId("known-tags", HTMLDataListElement);
const edited = byId("note-edited", HTMLSpanElement);
const deleteButton = byId("delete-note", HTMLButtonElement);

/** The dialog in which a note is written. Nothing is stored before Save; Escape and Cancel leave the note as it was. */
export class NoteEditor {
  private readonly events: NoteEditorEvents;
  private readonly urls = new BlobUrls();
  private note: Note | undefined;
  private attachments: readonly Attachment[] = [];

  constructor(events: NoteEditorEvents) {
    this.events = events;
    colors.replaceChildren(...noteColors.map(swatch));
    colors.addEventListener("change", () => (dialog.dataset.color = chosenColor()));
    files.addEventListener("change", () => {
      this.attach(files.files);
      files.value = "";
    });
    dialog.addEventListener("paste", (event) => {
      this.attach(event.clipboardData?.files);
    });
    dialog.addEventListener("dragover", (event) => {
      event.preventDefault();
    });
    dialog.addEventListener("drop", (event) => {
      event.preventDefault();
      this.attach(event.dataTransfer?.files);
    });
    dialog.addEventListener("close", () => {
      this.urls.release();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
      // Enter in a line of text would press the form's first button.
      else if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
    });
    form.addEventListener("submit", () => {
      this.save();
    });
    byId("cancel-note", HTMLButtonElement).addEventListener("click", () => {
      dialog.close();
    });
    deleteButton.addEventListener("click", () => {
      dialog.close();
      if (this.note) this.events.onDelete(this.note);
    });
  }

  /** @param note undefined for a new one. */
  open(note: Note | undefined, allTags: Iterable<string>): void {
    this.note = note;
    this.attachments = note?.attachments ?? [];
    title.value = note?.title ?? "";
    text.value = note?.text ?? "";
    tags.value = note?.tags.join(", ") ?? "";
    pin.checked = note?.pinned ?? false;
    const color = note?.color ?? "paper";
    dialog.dataset.color = color;
    for (const radio of colors.querySelectorAll("input")) radio.checked = radio.value === color;
    knownTags.replaceChildren(...Array.from(allTags, (tag) => element("option", { value: tag })));
    edited.textContent = note ? `Edited ${formatTime(note.updatedAt)}` : "";
    deleteButton.hidden = note === undefined;
    this.showAttachments();
    dialog.showModal();
    (note ? text : title).focus();
  }

  private save(): void {
    const now = new Date();
    const before = this.note;
    const note: Note = {
      id: before?.id ?? crypto.randomUUID(),
      title: title.value.trim(),
      text: text.value.trimEnd(),
      color: chosenColor(),
      pinned: pin.checked,
      tags: parseTags(tags.value),
      attachments: this.attachments,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
      deleted: false,
    };
    const isEmpty = note.title === "" && note.text === "" && note.attachments.length === 0;
    if (!isEmpty || before) this.events.onSave(note, before);
  }

  private attach(chosen: FileList | null | undefined): void {
    if (!chosen || chosen.length === 0) return;
    const added = Array.from(chosen, (file): Attachment => ({ name: file.name, content: file }));
    this.attachments = [...this.attachments, ...added];
    this.showAttachments();
  }

  private showAttachments(): void {
    this.urls.release();
    attachmentList.replaceChildren(...this.attachments.map((attachment) => this.attachmentItem(attachment)));
  }

  private attachmentItem(attachment: Attachment): HTMLElement {
    const { name, content } = attachment;
    const url = this.urls.of(content);
    const remove = element(
      "button",
      { type: "button", class: "icon", "aria-label": `Remove ${name}` },
      icon(icons.close),
    );
    remove.addEventListener("click", () => {
      this.attachments = this.attachments.filter((other) => other !== attachment);
      this.showAttachments();
    });
    const size = element("small", {}, formatBytes(content.size));
    const shown = isPicture(attachment)
      ? element("img", { src: url, alt: name, title: name })
      : element(
          "a",
          { href: url, download: name, class: "file" },
          icon(icons.file),
          element("b", {}, name),
          size,
        );
    return element("li", { "data-testid": "attachment" }, shown, remove);
  }
}

function swatch(color: NoteColor): HTMLElement {
  const radio = element("input", { type: "radio", name: "color", value: color, "aria-label": color });
  return element("label", { class: "swatch", "data-color": color, title: color }, radio);
}

function chosenColor(): NoteColor {
  const value = new FormData(form).get("color");
  return noteColors.find((color) => color === value) ?? "paper";
}

/** "Home, #travel home" is home and travel. */
function parseTags(input: string): string[] {
  const names = input.split(/[,\s]+/).map((name) => name.replace(/^#+/, "").toLowerCase());
  return [...new Set(names.filter((name) => name !== ""))].sort();
}
