/** DOM elements: found by id, or made. Text always goes in as text, so that a note cannot become markup. */

/** @throws Error when index.html has no such element: the two files belong together. */
export function byId<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} with the id "${id}".`);
  return found;
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An outline icon of 20 x 20. */
export function icon(path: string, size = 20): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("aria-hidden", "true");
  const outline = document.createElementNS("http://www.w3.org/2000/svg", "path");
  outline.setAttribute("d", path);
  svg.append(outline);
  return svg;
}

export const icons = {
  pin: "m12.5 2.5 5 5-3.2 1-3 3 .2 3.7-1.8 1.8-6.7-6.7 1.8-1.8 3.7.2 3-3z M6.2 13.8 2.5 17.5",
  file: "M11.5 2.5h-6v15h9v-12zm0 0v3h3",
  close: "m5 5 10 10M15 5 5 15",
} as const;

/** Addresses for the content of Blobs. The browser keeps a Blob as long as it has one, so they are given back together. */
export class BlobUrls {
  private readonly urls: string[] = [];

  of(blob: Blob): string {
    const url = URL.createObjectURL(blob);
    this.urls.push(url);
    return url;
  }

  release(): void {
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
  }
}

const sizes = ["B", "KB", "MB", "GB"];

export function formatBytes(bytes: number): string {
  const power = bytes === 0 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${sizes[power]!}`;
}

export function formatTime(date: Date): string {
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
