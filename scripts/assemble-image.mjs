// Makes the image of workers without a container engine, and pushes it: Node with the libraries that it loads, the boot program, and libsql.
// The same image as the Dockerfile's, without the rest of Debian. Needs crane: go install github.com/google/go-containerregistry/cmd/crane@latest
//   node scripts/assemble-image.mjs --tag=REGISTRY/NAME:TAG [--insecure] [--boot=dist/boot.cjs] [--crane=crane]
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    tag: { type: "string" },
    insecure: { type: "boolean", default: false },
    boot: { type: "string", default: join(root, "dist/boot.cjs") },
    crane: { type: "string", default: "crane" },
  },
});
if (options.tag === undefined) {
  console.error(
    "Usage: node scripts/assemble-image.mjs --tag=REGISTRY/NAME:TAG [--insecure] [--boot=FILE] [--crane=PROGRAM]",
  );
  process.exit(2);
}
if (process.platform !== "linux") {
  console.error(
    "The image is made of this machine's Node, so it is made on Linux; elsewhere use the Dockerfile.",
  );
  process.exit(2);
}
if (!existsSync(options.boot)) {
  console.error(`There is no ${options.boot}: npm run build makes it.`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), "beam-indexeddb-image-"));
try {
  const layer = makeLayer(join(scratch, "root"));
  push(layer);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function makeLayer(folder) {
  const put = (path, text, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), mode);
  };
  const boot = readFileSync(options.boot, "utf8").replace(/^#!.*\n/, "#!/usr/bin/node\n");
  put("opt/apache/beam/boot", boot, 0o755);
  copy(folder, process.execPath, "usr/bin/node");
  const natives = copyPackages(folder);
  for (const library of new Set([process.execPath, ...natives].flatMap(librariesOf)))
    copy(folder, library, library);
  put(
    "etc/passwd",
    "root:x:0:0:root:/root:/usr/bin/nologin\nnobody:x:65534:65534:nobody:/:/usr/bin/nologin\n",
  );
  put("etc/group", "root:x:0:\nnogroup:x:65534:\n");
  put("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
  put("etc/nsswitch.conf", "hosts: files dns\n");
  for (const name of ["dev", "proc", "root", "tmp"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "tmp"), 0o1777);
  const layer = join(scratch, "layer.tar");
  // The same content gives the same layer.
  const steady = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  execFileSync("tar", [...steady, "-C", folder, "-cf", layer, "."]);
  return layer;
}

function copy(folder, from, to) {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  cpSync(realpathSync(from), join(folder, to));
}

/** Copies libsql and what it depends on, beside the boot program, and tells where its native parts lie. */
function copyPackages(folder) {
  const natives = [];
  const seen = new Set();
  const visit = (name, from) => {
    const found = createRequire(from)
      .resolve.paths(name)
      .map((path) => join(path, name))
      .find((path) => existsSync(join(path, "package.json")));
    // Of the packages with native code there is one for this platform.
    if (found === undefined || seen.has(name)) return;
    seen.add(name);
    const manifest = JSON.parse(readFileSync(join(found, "package.json"), "utf8"));
    // For another C library than this machine's Node.
    if (manifest.libc?.includes("musl") || name.endsWith("-musl")) return;
    const target = join(folder, "opt/apache/beam/node_modules", name);
    cpSync(realpathSync(found), target, {
      recursive: true,
      filter: (path) => !path.slice(found.length).includes("node_modules"),
    });
    if (manifest.main?.endsWith(".node")) natives.push(join(found, manifest.main));
    const needed = { ...manifest.dependencies, ...manifest.optionalDependencies };
    for (const dependency of Object.keys(needed))
      visit(dependency, join(realpathSync(found), "package.json"));
  };
  visit("libsql", join(root, "package.json"));
  if (natives.length === 0) throw new Error("libsql is not installed for this platform: run npm ci first.");
  return natives;
}

function librariesOf(program) {
  const lines = execFileSync("ldd", [program], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /(?:=>\s+|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}

function push(layer) {
  const insecure = options.insecure ? ["--insecure"] : [];
  const crane = (...args) =>
    execFileSync(options.crane, [...args, ...insecure], { stdio: ["ignore", "ignore", "inherit"] });
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  crane("append", "--oci-empty-base", "-f", layer, "-t", options.tag);
  crane(
    ...["mutate", "--set-platform", `linux/${architecture}`, "--entrypoint", "/opt/apache/beam/boot"],
    ...["--env", "PATH=/usr/bin", "-t", options.tag, options.tag],
  );
  console.log(options.tag);
}
