import type { Bench, BenchContext, BenchResult, BenchTable, Figure } from "../bench.js";
import { median } from "../interleave.js";
import { rounded } from "../report.js";
import { type BrowserName, findBrowser, launchBrowser } from "./launch-browser.js";
import { startPageSite } from "./page-site.js";
import type { Site } from "./serve-site.js";
import { type Sample, measureIn } from "./measure-in.js";

/** Export and import in real browsers. */
export const browserBench: Bench = {
  name: "browser",
  title: "exportDB and importDB in Chromium and Firefox, against a loop by hand and dexie-export-import",
  run: compareInBrowsers,
};

interface DataSet {
  readonly name: string;
  readonly records: number;
  readonly bytes: number;
  readonly rounds: number;
  /** Imports of many small records take most of the time. */
  readonly importRounds: number;
  /** dexie-export-import holds the whole file in memory: not for a database of 1 GB. */
  readonly withDexie: boolean;
}

const small: DataSet = {
  name: "small",
  records: 100_000,
  bytes: 200,
  rounds: 3,
  importRounds: 2,
  withDexie: true,
};
const big: DataSet = {
  name: "big",
  records: 1000,
  bytes: 100_000,
  rounds: 3,
  importRounds: 3,
  withDexie: true,
};
const huge: DataSet = {
  name: "1 GB",
  records: 10_000,
  bytes: 100_000,
  rounds: 1,
  importRounds: 1,
  withDexie: false,
};

/** Of imports only: "checked" is the loop that reads back what it has put, as imports do, "unchecked" the import that is told not to. */
type ContenderName = "loop" | "checked" | "own" | "unchecked" | "dexie";
type Task = "export" | "import";
type Measured = ReadonlyMap<`${Task} ${ContenderName}`, readonly Sample[]>;

async function compareInBrowsers(context: BenchContext): Promise<BenchResult> {
  const dataSets = context.quick
    ? [
        { ...small, records: 5000, rounds: 1, importRounds: 1 },
        { ...big, records: 50, rounds: 1, importRounds: 1 },
      ]
    : [small, big, huge];
  const tables: BenchTable[] = [];
  const figures: Figure[] = [];
  const site = await startPageSite();
  try {
    for (const browser of ["chromium", "firefox"] as const) {
      if (findBrowser(browser) === undefined) {
        context.progress(`No ${browser} was found: left out.`);
        continue;
      }
      for (const data of dataSets) {
        const measured = await measureDataSet(context, site, browser, data);
        tables.push(tableOf(browser, data, measured));
        figures.push(...figuresOf(browser, data, measured));
      }
    }
  } finally {
    await site.close();
  }
  return { tables, figures };
}

async function measureDataSet(
  context: BenchContext,
  site: Site,
  browserName: BrowserName,
  data: DataSet,
): Promise<Measured> {
  const browser = await launchBrowser(browserName, context.folder);
  try {
    const shape = JSON.stringify({ records: data.records, bytes: data.bytes });
    const prepare = async (call: string): Promise<void> => {
      const page = await browser.open(site.origin);
      await page.evaluate(`bench.${call}`);
      await page.close();
    };
    context.progress(`${browserName}, ${data.name}: filling`);
    await prepare(`fill("db", ${shape})`);
    await prepare(`save("own", "db", "own.idbsnap")`);
    if (data.withDexie) await prepare(`save("dexie", "db", "dexie.json")`);
    const calls = callsOf(data, shape);
    const samples = new Map(calls.map(([name]) => [name, [] as Sample[]]));
    for (let round = 0; round < data.rounds; round++) {
      for (let turn = 0; turn < calls.length; turn++) {
        const [name, call] = calls[(turn + round) % calls.length]!;
        if (name.startsWith("import") && round >= data.importRounds) continue;
        context.progress(`${browserName}, ${data.name}, round ${round + 1} of ${data.rounds}: ${name}`);
        samples.get(name)!.push(await measureIn(browser, site.origin, call));
      }
    }
    return samples;
  } finally {
    await browser.close();
  }
}

/** What each contender does, as calls of the page. */
function callsOf(data: DataSet, shape: string): (readonly [`${Task} ${ContenderName}`, string])[] {
  return [
    ["export loop", `raw("read", "db", ${shape})`],
    ["export own", `exportOwn("db")`],
    ...(data.withDexie ? [["export dexie", `exportDexie("db")`] as const] : []),
    ["import loop", `raw("write", "loop", ${shape})`],
    ["import checked", `raw("write and read back", "checked", ${shape})`],
    ["import own", `importOwn("own.idbsnap", "own")`],
    ["import unchecked", `importOwn("own.idbsnap", "unchecked", { verify: false })`],
    ...(data.withDexie ? [["import dexie", `importDexie("dexie.json", "dexie")`] as const] : []),
  ];
}

const titles: Readonly<Record<ContenderName, string>> = {
  loop: "loop by hand",
  checked: "loop that reads back",
  own: "beam-indexeddb",
  unchecked: "beam-indexeddb, verify: false",
  dexie: "dexie-export-import",
};

function tableOf(browser: BrowserName, data: DataSet, measured: Measured): BenchTable {
  return {
    title: `${browser}: ${data.records.toLocaleString("en")} records of about ${data.bytes.toLocaleString("en")} bytes, one index (medians of ${data.rounds} exports and ${data.importRounds} imports; the loops use no file)`,
    columns: ["", "seconds", "x loop", "in transactions", "x loop", "page stall ms", "memory MB", "file MB"],
    rows: Array.from(measured.keys(), (name) => {
      const [task, contender] = name.split(" ") as [Task, ContenderName];
      const of = (field: keyof Sample): number => middle(measured, name, field);
      const loop = (field: keyof Sample): number => middle(measured, `${task} loop`, field);
      return [
        `${task}: ${titles[contender]}`,
        rounded(of("ms") / 1000),
        rounded(of("ms") / loop("ms")),
        rounded(of("transactionMs") / 1000),
        rounded(of("transactionMs") / loop("transactionMs")),
        of("stallMs").toFixed(0),
        of("megabytes").toFixed(0),
        of("bytes") === 0 ? "" : (of("bytes") / 1e6).toFixed(1),
      ];
    }),
  };
}

function middle(measured: Measured, name: `${Task} ${ContenderName}`, field: keyof Sample): number {
  return median(measured.get(name)?.map((sample) => sample[field]));
}

function figuresOf(browser: BrowserName, data: DataSet, measured: Measured): Figure[] {
  const where = `${browser}, ${data.name}`;
  const of = (name: `${Task} ${ContenderName}`, field: keyof Sample): number => middle(measured, name, field);
  const ratio = (a: `${Task} ${ContenderName}`, b: `${Task} ${ContenderName}`, field: keyof Sample): number =>
    of(a, field) / of(b, field);
  const figures: Figure[] = [
    {
      what: `${where}: export, time inside the transaction, against the loop`,
      measured: ratio("export own", "export loop", "transactionMs"),
      unit: "x",
      target: { atMost: data.name === "small" ? 2 : 1.3 },
    },
    {
      what: `${where}: export, longest stall of the page`,
      measured: of("export own", "stallMs"),
      unit: "ms",
      target: { atMost: 50 },
    },
    {
      what: `${where}: export, memory of the page's process above start`,
      measured: of("export own", "megabytes"),
      unit: "MB",
      target: { atMost: 128 },
    },
    {
      what: `${where}: import, against the loop of puts`,
      measured: ratio("import own", "import loop", "ms"),
      unit: "x",
      target: { atMost: 1.5 },
    },
    {
      what: `${where}: import, against the loop that reads back what it has put`,
      measured: ratio("import own", "import checked", "ms"),
      unit: "x",
    },
    {
      what: `${where}: import with verify: false, against the loop of puts`,
      measured: ratio("import unchecked", "import loop", "ms"),
      unit: "x",
    },
  ];
  if (data.withDexie) {
    figures.push({
      what: `${where}: import, times as fast as dexie-export-import`,
      measured: ratio("import dexie", "import own", "ms"),
      unit: "x",
      target: { atLeast: 3 },
    });
  }
  if (data.withDexie && data.name === "small") {
    figures.push(
      {
        what: `${where}: export, times as fast as dexie-export-import`,
        measured: ratio("export dexie", "export own", "ms"),
        unit: "x",
        target: { atLeast: 4 },
      },
      {
        what: `${where}: export, part of the bytes of dexie-export-import`,
        measured: ratio("export own", "export dexie", "bytes"),
        unit: "x",
        target: { atMost: 1 / 8 },
      },
    );
  }
  return figures;
}
