import { exportDB, importDB } from "../../../browser/index.js";
import * as bank from "./bank.js";
import { cases } from "./cases.js";
import * as crash from "./crash.js";
import * as database from "./database.js";
import * as load from "./load.js";
import * as tabs from "./tabs.js";

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

Object.assign(globalThis, {
  beam: { run, exportDB, importDB, ...database, ...bank, ...crash, ...load, ...tabs },
});
