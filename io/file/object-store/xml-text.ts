/** What the services' lists and errors are made of: elements without attributes that matter, none of which holds another of its own name. */

/** The contents of all elements with a name, as they are written. */
export function xmlElements(xml: string, name: string): string[] {
  const found: string[] = [];
  const end = `</${name}>`;
  for (let at = 0; ;) {
    const start = xml.indexOf(`<${name}`, at);
    if (start < 0) return found;
    const open = xml.indexOf(">", start);
    const next = xml[start + name.length + 1];
    if (open < 0) return found;
    at = open + 1;
    if (next !== ">" && next !== " " && next !== "/") continue;
    if (xml[open - 1] === "/") {
      found.push("");
      continue;
    }
    const close = xml.indexOf(end, at);
    if (close < 0) return found;
    found.push(xml.slice(at, close));
    at = close + end.length;
  }
}

/** The text of the first element with a name; undefined when there is none. */
export function xmlText(xml: string, name: string): string | undefined {
  const [first] = xmlElements(xml, name);
  return first === undefined ? undefined : unescapeXml(first);
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return entities[name.toLowerCase()]!;
      const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}

/** A text as the content of an element. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** XML has no way to write most control characters. */
export function fitsXml(text: string): boolean {
  return !/[\x00-\x1f\ufffe\uffff]/.test(text);
}
