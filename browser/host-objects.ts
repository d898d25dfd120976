import { HostObject } from "../snapshot/host-object.js";

/**
 * Objects of the platform in plain form. What can be made again from data is written as that data, under the name of its class; what
 * cannot leave the device is described, and the caller's policy decides. Files and Blobs are not here: they are attachments.
 */

/** An object that cannot be taken along, as it is described in a placeholder. */
export interface Unportable {
  /** Class of the object, for example "CryptoKey". */
  readonly type: string;
  readonly reason: string;
  /** What can be told about it: the name of a file handle, algorithm and usages of a key. */
  readonly details?: unknown;
}

/** The type name of placeholders in a snapshot. */
export const unportableType = "Unportable";

export function placeholder({ type, reason, details }: Unportable): HostObject {
  return new HostObject(unportableType, { type, reason, ...(details !== undefined && { details }) });
}

/** A key whose material must be asked for asynchronously, so not inside the transaction. */
export interface PendingKey {
  readonly pending: CryptoKey;
}

/** undefined for an instance of a class of the page's own, which structured clone stores as a plain object. */
export function describeHostObject(
  value: object,
): HostObject | PendingKey | { readonly unportable: Unportable } | undefined {
  const type = Object.prototype.toString.call(value).slice(8, -1);
  if (type === "Object" || Object.hasOwn(value, Symbol.toStringTag)) return undefined;
  const fields = plainFields[type];
  if (fields) {
    return new HostObject(type, pick(value, fields, defaults));
  }
  if (type === "FileList") return new HostObject(type, Array.from(value as FileList));
  if (type === "CryptoKey") {
    const key = value as CryptoKey;
    return key.extractable
      ? { pending: key }
      : { unportable: unportableKey(key, "The key is not extractable.") };
  }
  const handle = value as Partial<Pick<FileSystemHandle, "kind" | "name">>;
  const details = type.startsWith("FileSystem") ? { kind: handle.kind, name: handle.name } : undefined;
  return {
    unportable: {
      type,
      reason: reasons[type] ?? "Nothing but this browser profile can hold it.",
      ...(details && { details }),
    },
  };
}

const matrix = ["is2D", ...[1, 2, 3, 4].flatMap((row) => [1, 2, 3, 4].map((column) => `m${row}${column}`))];
const rect = ["x", "y", "width", "height"];
const point = ["x", "y", "z", "w"];
const settings = ["colorSpace", "pixelFormat"];
const plainFields: Readonly<Record<string, readonly string[]>> = {
  DOMException: ["message", "name"],
  QuotaExceededError: ["message", "quota", "requested"],
  DOMMatrix: matrix,
  DOMMatrixReadOnly: matrix,
  DOMPoint: point,
  DOMPointReadOnly: point,
  DOMQuad: ["p1", "p2", "p3", "p4"],
  DOMRect: rect,
  DOMRectReadOnly: rect,
  ImageData: ["data", "width", "height", ...settings],
};

/** Not written, since some browsers do not show them: the same object gives the same bytes everywhere. */
const defaults: Readonly<Record<string, unknown>> = { colorSpace: "srgb", pixelFormat: "rgba-unorm8" };

/** Those of an object's fields that are there, and not at their defaults. */
function pick(
  object: object,
  names: readonly string[],
  usual: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const source = object as Readonly<Record<string, unknown>>;
  const given = names.filter((name) => source[name] !== undefined && source[name] !== usual[name]);
  return Object.fromEntries(given.map((name) => [name, source[name]]));
}

const reasons: Readonly<Record<string, string>> = {
  FileSystemFileHandle: "It is a permission of this browser profile; export the file's content instead.",
  FileSystemDirectoryHandle: "It is a permission of this browser profile.",
  ImageBitmap: "Its pixels can only be read by drawing it.",
  RTCCertificate: "Its private key cannot be read.",
};

export function unportableKey(key: CryptoKey, reason: string): Unportable {
  return {
    type: "CryptoKey",
    reason,
    details: {
      kind: key.type,
      algorithm: key.algorithm,
      usages: [...key.usages],
      extractable: key.extractable,
    },
  };
}

/** An extractable key as JWK with what `importKey` needs. @throws DOMException for an algorithm without JWK form. */
export async function exportCryptoKey(key: CryptoKey): Promise<HostObject> {
  const jwk = await crypto.subtle.exportKey("jwk", key);
  return new HostObject("CryptoKey", {
    jwk: pick(jwk, keyMaterial),
    algorithm: sorted(key.algorithm),
    usages: [...key.usages].sort(),
  });
}

/** The rest of a JWK repeats algorithm and usages, and browsers differ in what they repeat and in which order. */
const keyMaterial = ["kty", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "k"] as const;

function sorted(algorithm: unknown): unknown {
  if (typeof algorithm !== "object" || algorithm === null || ArrayBuffer.isView(algorithm)) return algorithm;
  const names = Object.keys(algorithm).sort();
  return Object.fromEntries(
    names.map((name) => [name, sorted((algorithm as Readonly<Record<string, unknown>>)[name])]),
  );
}

interface KeyForm {
  readonly jwk: JsonWebKey;
  readonly algorithm: AlgorithmIdentifier;
  readonly usages: KeyUsage[];
}

export function importCryptoKey(data: unknown): Promise<CryptoKey> {
  const { jwk, algorithm, usages } = data as KeyForm;
  return crypto.subtle.importKey("jwk", jwk, algorithm, true, usages);
}

/**
 * The real object for its plain form; undefined for a type that this context cannot make (an ImageData in Node, a FileList in a worker).
 * The data comes from a file that nobody vouches for: constructors may throw.
 */
export function reviveHostObject(type: string, data: unknown): object | undefined {
  const scope = globalThis as unknown as Readonly<Record<string, new (...parts: unknown[]) => object>>;
  const Class = scope[type];
  const field = (name: string): unknown => (data as Readonly<Record<string, unknown>>)[name];
  if (type === "FileList") return reviveFileList(data as readonly File[]);
  if (!Class || !Object.hasOwn(plainFields, type)) return undefined;
  switch (type) {
    case "DOMException":
      return new Class(field("message"), field("name"));
    case "QuotaExceededError":
      return new Class(field("message"), {
        ...(typeof field("quota") === "number" && { quota: field("quota") }),
        ...(typeof field("requested") === "number" && { requested: field("requested") }),
      });
    case "ImageData":
      return new Class(field("data"), field("width"), field("height"), pick(data as object, settings));
    case "DOMMatrix":
    case "DOMMatrixReadOnly":
      return new Class(field("is2D") === true ? matrix2D.map(field) : matrix.slice(1).map(field));
    default:
      return new Class(...plainFields[type]!.map(field));
  }
}

const matrix2D = ["m11", "m12", "m21", "m22", "m41", "m42"];

/** Only a page can make one, by way of a drag-and-drop clipboard. */
function reviveFileList(files: readonly File[]): FileList | undefined {
  if (typeof DataTransfer === "undefined") return undefined;
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  return transfer.files;
}
