/** What the SDK's dependencies need of Node and newer versions lack. Imported before the SDK by every module that imports it. */
import util from "node:util";

// serialize-closures asks util.isPrimitive, which Node 23 removed.
const shared = util as { isPrimitive?: (value: unknown) => boolean };
shared.isPrimitive ??= (value) =>
  (typeof value !== "object" && typeof value !== "function") || value === null;
