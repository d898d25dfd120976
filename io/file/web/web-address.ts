import { printablePath } from "../printable-path.js";

/** Full addresses of files that are known by what may be shown of them: records name their file so, and the content of their Blobs is read there. */
const full = new Map<string, string>();
const mostKept = 10_000;

/** An address without what is no part of a request, and the headers that stand for it. */
export interface WebAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Checks an address of a file.
 * @throws TypeError for a pattern, which has no meaning there, and for what is no address
 */
export function checkWebAddress(path: string): void {
  const shown = printablePath(path);
  if (/[*[\]{}]/.test(path.split(/[?#]/, 1)[0]!)) {
    throw new TypeError(
      `${JSON.stringify(shown)} is a pattern, and web servers don't list their files. Give the address of one file (write * as %2A where it is a part of a name).`,
    );
  }
  if (!URL.canParse(path)) throw new TypeError(`${JSON.stringify(shown)} is no address of a file.`);
}

/** The address that a path stands for. */
export function fullAddress(path: string): string {
  const shown = printablePath(path);
  if (shown === path) return full.get(path) ?? path;
  // Of two permissions to read one file, the later one is more likely to be valid.
  full.delete(shown);
  full.set(shown, path);
  if (full.size > mostKept) full.delete(full.keys().next().value!);
  return path;
}

export function addressOf(path: string): WebAddress {
  checkWebAddress(path);
  const address = new URL(path);
  const { username, password } = address;
  address.username = "";
  address.password = "";
  address.hash = "";
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
    "base64",
  );
  return {
    url: address.href,
    headers: username === "" && password === "" ? {} : { authorization: `Basic ${credentials}` },
  };
}
