// Writes snapshot/gen/messages.ts from snapshot/messages.proto: static code, since reflection would need eval. pbjs reads the schema; its own
// static code is not taken, since that spells out encoding and decoding of every field: 22 KB minified and the library for a dozen messages,
// where every page that exports a database loads them. Here a field is one entry, and snapshot/protobuf-runtime.ts does the work.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cli = dirname(createRequire(import.meta.url).resolve("protobufjs-cli/package.json"));
const schema = JSON.parse(
  execFileSync(
    process.execPath,
    [join(cli, "bin", "pbjs"), "-t", "json", "--keep-case", join(root, "snapshot", "messages.proto")],
    { encoding: "utf8" },
  ),
);
const messages = schema.nested.beam_indexeddb.nested;
const scalars = ["bool", "bytes", "double", "fixed32", "uint32"];

/** What the runtime cannot do must not get into the schema unnoticed. */
function check(condition, what) {
  if (!condition)
    throw new Error(`snapshot/messages.proto: ${what}; snapshot/protobuf-runtime.ts can't do that.`);
}

function fieldCode(message, written, [name, field]) {
  const { type, id, rule, options, ...rest } = field;
  const place = `${message}.${name}`;
  check(Object.keys(rest).length === 0 && !options, `${place} has options or is a map`);
  check(rule === undefined || rule === "repeated", `${place} is ${rule}`);
  check(
    scalars.includes(type) || written.has(type),
    `${place} is of ${type}, which is unknown or comes later`,
  );
  check(rule !== "repeated" || !scalars.includes(type) || type === "bytes", `${place} is packed`);
  return `  ${id}: ["${name}", ${type}${rule === "repeated" ? ", true" : ""}],\n`;
}

const written = new Set();
let code = "";
for (const [name, { fields, ...rest }] of Object.entries(messages)) {
  check(fields && Object.keys(rest).length === 0, `${name} is no plain message`);
  const lines = Object.entries(fields)
    .sort(([, a], [, b]) => a.id - b.id)
    .map((field) => fieldCode(name, written, field));
  code += `\nexport const ${name} = /* @__PURE__ */ message({\n${lines.join("")}});\n`;
  written.add(name);
}
writeFileSync(
  join(root, "snapshot", "gen", "messages.ts"),
  `// Generated from snapshot/messages.proto by \`npm run generate\`: do not edit.
import { ${[...scalars, "message"].sort().join(", ")} } from "../protobuf-runtime.js";
${code}`,
);
