// Bundles the app and serves it on this machine only: `npm run example`, or `startNotes()` from a script.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNotes } from "./build.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".map": "application/json",
};

/** @returns the address, and how to stop. Port 0 takes one that is free. */
export async function startNotes(port = 0) {
  await buildNotes();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = normalize(join(here, pathname === "/" ? "index.html" : decodeURIComponent(pathname)));
    const type = types[extname(file)];
    if (
      !file.startsWith(here.endsWith(sep) ? here : here + sep) ||
      !type ||
      !statSync(file, { throwIfNoEntry: false })?.isFile()
    ) {
      response.writeHead(404, { "Content-Type": "text/plain" }).end("Not found");
      return;
    }
    response.writeHead(200, {
      "Content-Type": type,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startNotes(Number(process.env.PORT ?? 8080));
  console.log(`Notes: ${url} (with sample notes: ${url}?demo, then notesApp.seed("phone") in the console)`);
}
