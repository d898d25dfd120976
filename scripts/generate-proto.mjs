// Writes snapshot/gen/messages.ts from snapshot/messages.proto: static code, since reflection would need eval.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const pbjs = join(dirname(createRequire(import.meta.url).resolve("protobufjs-cli/package.json")), "bin", "pbjs");
const target = join(root, "snapshot", "gen", "messages.ts");
const flags = ["--no-create", "--no-verify", "--no-convert", "--no-delimited", "--no-typeurl", "--no-service", "--no-comments", "--keep-case"];
execFileSync(process.execPath, [
  pbjs, "-t", "static-module", "-w", "es6", "--es6", "--dependency", "protobufjs/minimal.js", ...flags,
  "-o", target, join(root, "snapshot", "messages.proto"),
]);
const code = readFileSync(target, "utf8");
writeFileSync(target, `// @ts-nocheck\n// Generated from snapshot/messages.proto by \`npm run generate:proto\`: do not edit.\n${code}`);
