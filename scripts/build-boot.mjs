// Bundles the boot program to one file that needs nothing but Node: dist/boot.cjs, for containers and for machines of a cluster without this package.
//   node scripts/build-boot.mjs [FILE]
import { chmodSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = process.argv[2] ?? `${root}dist/boot.cjs`;

await build({
  absWorkingDir: root,
  entryPoints: ["dist/runners/boot/boot-program.js"],
  outfile,
  bundle: true,
  platform: "node",
  target: "node20",
  // A file without an ending, as /opt/apache/beam/boot has to be, is CommonJS for every Node.
  format: "cjs",
  keepNames: true,
  legalComments: "none",
  logLevel: "warning",
  banner: {
    js: '#!/usr/bin/env node\nconst urlOfBoot = require("node:url").pathToFileURL(__filename).href;',
  },
  define: { "import.meta.url": "urlOfBoot" },
});
chmodSync(outfile, 0o755);
