import { SnapshotError } from "../../../snapshot/index.js";
import { createHttpClient } from "../http/http-client.js";
import { printablePath } from "../printable-path.js";
import { addressOf, type WebAddress } from "./web-address.js";

/** What a server tells of a file. */
export interface WebFile {
  /** Where redirections led to. */
  readonly address: WebAddress;
  /** Bytes; undefined when the server does not say. */
  readonly size: number | undefined;
  /** A strong one: it changes with every byte. */
  readonly etag: string | undefined;
  /** As the server writes it. */
  readonly modified: string | undefined;
  readonly hasRanges: boolean;
}

/** Requests to web servers: whatever authorizes them is a part of the address. */
export const webClient = createHttpClient({
  authorize: (request) => Promise.resolve(request),
  texts: {
    service: "The server",
    accessAdvice: "Is the address complete, and still valid?",
    messageOf: () => "",
  },
});

const redirections = [301, 302, 303, 307, 308];
const mostRedirections = 5;

/**
 * Asks for the first byte of a file. Not by HEAD: an address that was signed for reading is not valid for that.
 * @returns undefined when there is no such file
 */
export async function lookAtWebFile(path: string): Promise<WebFile | undefined> {
  let address = addressOf(path);
  for (let n = 0; ; n++) {
    const { status, headers } = await webClient.look({
      method: "GET",
      url: address.url,
      headers: { ...address.headers, range: "bytes=0-0", "accept-encoding": "identity" },
      path,
      doing: "read",
      accept: [404, 410, 416, ...redirections],
    });
    if (status === 404 || status === 410) return undefined;
    if (redirections.includes(status)) {
      if (n === mostRedirections || headers.location === undefined)
        throw failed(path, "is redirected from address to address");
      address = redirected(address, headers.location, path);
      continue;
    }
    if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity")
      throw failed(
        path,
        `comes only compressed for the way (${headers["content-encoding"]}), which has no ranges`,
      );
    const total = /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1];
    const length = headers["content-length"];
    const size = status === 200 ? length : (total ?? (status === 416 ? "0" : undefined));
    return {
      address,
      size: size === undefined ? undefined : Number(size),
      etag: headers.etag?.startsWith("W/") === true ? undefined : headers.etag,
      modified: headers["last-modified"],
      hasRanges: status !== 200 && total !== undefined,
    };
  }
}

/** Credentials go to no other server, and nothing goes on in the clear that began encrypted. */
function redirected(from: WebAddress, location: string, path: string): WebAddress {
  const before = new URL(from.url);
  if (!URL.canParse(location, from.url)) throw failed(path, "is redirected to what is no address");
  const next = new URL(location, from.url);
  const isAllowed = next.protocol === "https:" || (next.protocol === "http:" && before.protocol === "http:");
  if (!isAllowed) throw failed(path, "is redirected from an encrypted connection to one that is not");
  const { url, headers } = addressOf(next.href);
  return { url, headers: next.origin === before.origin ? from.headers : headers };
}

function failed(path: string, what: string): SnapshotError {
  const file = printablePath(path);
  return new SnapshotError(
    "FILE_READ_FAILED",
    `${JSON.stringify(file)} can't be read: it ${what}. Get the file, and give its local path.`,
    {
      file,
    },
  );
}
