// Generated from snapshot/messages.proto by `npm run generate`: do not edit.
import { bool, bytes, double, fixed32, message, uint32 } from "../protobuf-runtime.js";

export const KeyPath = /* @__PURE__ */ message({
  1: ["array", bool],
  2: ["parts", bytes, true],
});

export const Index = /* @__PURE__ */ message({
  1: ["name", bytes],
  2: ["key_path", KeyPath],
  3: ["unique", bool],
  4: ["multi_entry", bool],
});

export const ObjectStore = /* @__PURE__ */ message({
  1: ["name", bytes],
  2: ["key_path", KeyPath],
  3: ["auto_increment", bool],
  4: ["current_number", double],
  5: ["indexes", Index, true],
});

export const Database = /* @__PURE__ */ message({
  1: ["name", bytes],
  2: ["version", double],
  3: ["object_stores", ObjectStore, true],
});

export const Shard = /* @__PURE__ */ message({
  1: ["set", bytes],
  2: ["index", uint32],
  3: ["count", uint32],
});

export const Header = /* @__PURE__ */ message({
  1: ["database", Database],
  2: ["device", bytes],
  3: ["captured_at", double],
  4: ["sequence", double],
  5: ["base", bytes],
  6: ["shard", Shard],
  7: ["consistency", uint32],
  8: ["created_by", bytes],
});

export const Origin = /* @__PURE__ */ message({
  1: ["device", bytes],
  2: ["snapshot", bytes],
  3: ["captured_at", double],
  4: ["sequence", double],
});

export const FrameHeader = /* @__PURE__ */ message({
  1: ["stored_length", double],
  2: ["raw_length", double],
  3: ["compression", uint32],
  4: ["crc", fixed32],
  5: ["store", uint32],
  6: ["count", uint32],
  7: ["deleted", uint32],
  8: ["first_key", bytes],
  9: ["last_key", bytes],
  10: ["cut_keys", uint32],
  11: ["sha256", bytes],
  12: ["offset", double],
  13: ["size", double],
});

export const FrameEntry = /* @__PURE__ */ message({
  1: ["kind", uint32],
  2: ["offset", double],
  3: ["header", FrameHeader],
});

export const Unportable = /* @__PURE__ */ message({
  1: ["store", bytes],
  2: ["type", bytes],
  3: ["count", double],
  4: ["policy", bytes],
});

export const Footer = /* @__PURE__ */ message({
  1: ["header", Header],
  2: ["frames", FrameEntry, true],
  3: ["id", bytes],
  4: ["unportable", Unportable, true],
});
