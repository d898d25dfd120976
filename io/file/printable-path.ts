/**
 * A path as messages, names and metrics may show it: an address without user, password and query, which may be a permission to read.
 */
export function printablePath(path: string): string {
  const address = /^(https?:\/\/)(?:[^/?#]*@)?([^?#]*)([?#].*)?$/is.exec(path);
  if (!address) return path;
  const [, scheme, place, query] = address;
  return `${scheme!}${place!}${query === undefined ? "" : "?(hidden)"}`;
}

/** A text that others wrote, without what gives access: tokens, signatures, keys, users and passwords in addresses. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/\b(https?:\/\/)[^\s/@"'<>]+@/gi, "$1")
    .replaceAll(/(https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi, "$1?(hidden)")
    .replaceAll(/\bya29\.[\w.~+/=-]+/g, "(token)")
    .replaceAll(/\b((?:bearer|sharedkey|aws4-hmac-sha256)\s+)[^\s"'<>][^"'<>\n]*/gi, "$1(hidden)")
    .replaceAll(
      /\b((?:upload_?id|access_?token|refresh_?token|id_?token|session_?token|secret\w*|account_?key|signature|sig|key)["']?\s*[=:]\s*["']?)[\w.~+/%=-]+/gi,
      "$1(hidden)",
    );
}
