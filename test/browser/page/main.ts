import { exportDB, importDB } from "../../../browser/index.js";
import { cases } from "./cases.js";
import { answer, create, ended, open, put } from "./database.js";

/** What the tests call in the page. Everything is reached by name, since a strict policy forbids to send functions as text. */
async function run(name: string): Promise<string> {
  // Out of the driver's call, which Firefox lets do what the page's policy forbids.
  await new Promise((resolve) => {
    setTimeout(resolve);
  });
  try {
    return `ok ${JSON.stringify((await cases[name]!()) ?? "")}`;
  } catch (error) {
    const { name: kind, message, code, stack } = error as Error & { code?: string };
    return `${code ?? kind}: ${message}\n${stack ?? ""}`;
  }
}

const tools = { run, exportDB, importDB, answer, create, ended, open, put };
export type PageTools = typeof tools;
Object.assign(globalThis, { beam: tools });
