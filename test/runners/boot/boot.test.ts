import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fnApi } from "../../../beam/model.js";
import { boot, type BootOptions } from "../../../runners/boot/boot.js";
import { bootReports } from "../../../runners/boot/boot-reports.js";
import { control, data } from "../../../runners/grpc/method.js";
import { bidirectional, type RunningServer, serve, unary, workerIdOf } from "../../../runners/grpc/server.js";
import { readFailures } from "../../../runners/worker/failure-text.js";
import { temporaryFolder } from "../../temporary-folder.js";
import { bundleOf, type FakeArtifact, type FakeProvision, startFakeProvision } from "./fake-provision.js";

/** A runner's control service that gives each worker one instruction and ends the connection when that is answered. */
interface FakeControl extends RunningServer {
  readonly answers: Map<string, fnApi.InstructionResponse>;
  /** Ids of workers whose data connection was opened. */
  readonly dataOf: Set<string>;
}

async function startFakeControl(): Promise<FakeControl> {
  const answers = new Map<string, fnApi.InstructionResponse>();
  const dataOf = new Set<string>();
  const server = await serve([
    bidirectional(control.control, (stream) => {
      const id = workerIdOf(stream);
      stream.on("error", () => undefined);
      stream.on("data", (response: fnApi.InstructionResponse) => {
        answers.set(id, response);
        stream.end();
      });
      const processBundle = fnApi.ProcessBundleRequest.create({ processBundleDescriptorId: "d" });
      stream.write({ instructionId: "i1", request: { oneofKind: "processBundle", processBundle } });
    }),
    unary(control.getProcessBundleDescriptor, () =>
      fnApi.ProcessBundleDescriptor.create({
        id: "d",
        transforms: {
          source: {
            spec: {
              urn: "beam:runner:source:v1",
              payload: fnApi.RemoteGrpcPort.toBinary({
                apiServiceDescriptor: { url: server.address },
                coderId: "c",
              }),
            },
          },
        },
      }),
    ),
    bidirectional(data.data, (stream) => {
      dataOf.add(workerIdOf(stream));
      stream.on("error", () => undefined);
    }),
  ]);
  return { ...server, answers, dataOf };
}

/** A worker file that does what the source says with what a worker is given, after it has said that it serves. */
const served = (source: string) =>
  bundleOf(`
import { appendFileSync } from "node:fs";
const { id, control, logging, modules } = JSON.parse(process.argv[2]);
process.on("disconnect", () => process.exit(9));
process.send({ ready: true }, () => { ${source} });
`);

let provisionService: FakeProvision;
let controlService: FakeControl;
let folder: string;
let errors: string[];

beforeEach(async () => {
  provisionService = await startFakeProvision();
  controlService = await startFakeControl();
  folder = temporaryFolder();
  errors = [];
  setInfo({});
});

afterEach(() => {
  provisionService.close();
  controlService.close();
});

function setInfo(info: object): void {
  const endpoint = { url: controlService.address };
  provisionService.info = { controlEndpoint: endpoint, ...info };
}

function environment(): Record<string, string | undefined> {
  const [log, out] = [join(folder, "log"), join(folder, "out")];
  return { ...process.env, BEAM_INDEXEDDB_BOOT_LOG: log, NODE_PATH: "", OUT: out };
}

function start(options: Partial<BootOptions> = {}, ...flags: string[]): Promise<number> {
  const args = [
    "--id='w 1'",
    `--provision_endpoint=${provisionService.address}`,
    `--semi_persist_dir=${join(folder, "persist")}`,
    ...flags,
  ];
  return boot(args, {
    program: join(folder, "boot.cjs"),
    env: environment(),
    printError: (line) => errors.push(line),
    ...options,
  });
}

const out = (): string[] => readFileSync(join(folder, "out"), "utf8").trim().split("\n").sort();
const log = (): string => readFileSync(join(folder, "log"), "utf8");
const staged = (): string[] => readdirSync(join(folder, "persist"));
const writeLine = (value: string): string => `appendFileSync(process.env.OUT, ${value} + "\\n");`;

describe("workers", () => {
  test("run the job's file, each in a process of its own, and leave nothing behind", async () => {
    setInfo({ siblingWorkerIds: ["w2", "w3"], loggingEndpoint: { url: "localhost:1" } });
    const line = "JSON.stringify({ id, control, logging, modules, path: process.env.NODE_PATH })";
    provisionService.artifacts = [
      { stagedName: "data.bin", content: Buffer.from("x") },
      served(`${writeLine(line)} process.exit(0);`),
    ];
    expect(await start()).toBe(0);
    const common = {
      control: controlService.address,
      logging: "localhost:1",
      modules: { urls: [], names: [] },
      path: join(folder, "node_modules"),
    };
    expect(out().map((text) => JSON.parse(text) as unknown)).toEqual([
      { id: "w 1", ...common },
      { id: "w2", ...common },
      { id: "w3", ...common },
    ]);
    expect(staged()).toEqual([]);
    expect(errors).toEqual([]);
    expect(existsSync(join(folder, "log"))).toBe(false);
  });

  test("are as many processes as the machine asks for, to which the runner's work is handed on", async () => {
    provisionService.artifacts = [served(`${writeLine("JSON.stringify({ id, control })")} process.exit(0);`)];
    expect(await start({ env: { ...environment(), BEAM_INDEXEDDB_WORKER_PROCESSES: "3" } })).toBe(0);
    const processes = out().map((text) => JSON.parse(text) as { id: string; control: string });
    expect(processes.map(({ id }) => id)).toEqual(["w 1", "w 1", "w 1"]);
    const addresses = new Set(processes.map(({ control: address }) => address));
    expect(addresses.size).toBe(3);
    expect(addresses).not.toContain(controlService.address);
  });

  test("of which one dies take the others along, with the reason on standard error and in the failure file", async () => {
    setInfo({ siblingWorkerIds: ["w2"] });
    provisionService.artifacts = [
      served(`
        process.on("exit", () => { ${writeLine('id + " gone"')} });
        if (id === "w2") { console.error("out of luck"); setTimeout(() => process.exit(7), 50); }
        else setInterval(() => {}, 1000);`),
    ];
    expect(await start()).toBe(1);
    expect(errors.join()).toMatch(/^boot: Worker w2 ended with exit code 7 .*out of luck/);
    expect(log()).toMatch(/^\S+Z worker w 1: Worker w2 ended with exit code 7/);
    expect(out()).toEqual(["w 1 gone", "w2 gone"]);
    expect(staged()).toEqual([]);
    // The runner has lost a worker that it knows: nobody takes its place.
    expect(controlService.answers.size).toBe(0);
  });

  test("end with a signal, also while they start", async () => {
    provisionService.artifacts = [
      bundleOf(`
      import { appendFileSync } from "node:fs";
      appendFileSync(process.env.OUT, process.pid + "\\n");
      process.on("disconnect", () => undefined);
      setInterval(() => undefined, 1000);`),
    ];
    const stop = new AbortController();
    const code = start({ signal: stop.signal });
    await expect
      .poll(() => existsSync(join(folder, "out")) && out()[0], { timeout: 30_000 })
      .toMatch(/^\d+$/);
    stop.abort();
    expect(await code).toBe(0);
    expect(() => process.kill(Number(out()[0]), 0)).toThrow("ESRCH");
    expect(staged()).toEqual([]);
  });
});

interface FailingStart {
  readonly artifacts: readonly FakeArtifact[];
  readonly message: RegExp;
  readonly code: string;
  readonly variables?: Readonly<Record<string, string>>;
}

describe("what keeps workers from starting is the error of the job", () => {
  const cases = {
    "a file that was changed": {
      artifacts: [{ ...served("process.exit(0);"), sha256: "1".repeat(64) }],
      message: /is not what was submitted/,
      code: "RUNNER_ARTIFACT_REFUSED",
    },
    "no worker file": {
      artifacts: [{ stagedName: "data.bin", content: Buffer.from("x") }],
      message: /no worker file among its 1 files \(data.bin\): it has to be submitted by beam-indexeddb/,
      code: "RUNNER_BOOT_FAILED",
    },
    "two worker files": {
      artifacts: [served("1;"), served("2;")],
      message: /2 worker files among its 2 files/,
      code: "RUNNER_BOOT_FAILED",
    },
    "a number of processes that is none": {
      variables: { BEAM_INDEXEDDB_WORKER_PROCESSES: "many" },
      artifacts: [served("1;")],
      message: /BEAM_INDEXEDDB_WORKER_PROCESSES is a whole number from 1 to 1024, not "many"/,
      code: "RUNNER_BOOT_FAILED",
    },
    "a worker that ends": {
      artifacts: [bundleOf(`console.error("no such thing"); process.exit(3);`)],
      message:
        /Worker w 1 ended with exit code 3 before it could serve the runner. The last it said: no such thing/,
      code: "RUNNER_WORKER_DIED",
    },
    "a worker file that is no program": {
      artifacts: [bundleOf("this is no program")],
      message: /ended with exit code 1 before it could serve[\s\S]*SyntaxError/,
      code: "RUNNER_WORKER_DIED",
    },
  };
  test.each(Object.entries<FailingStart>(cases))("%s", async (_, { artifacts, message, code, variables }) => {
    setInfo({ siblingWorkerIds: ["w2"] });
    provisionService.artifacts = artifacts;
    expect(await start({ env: { ...environment(), ...variables } })).toBe(1);
    expect(errors.join()).toMatch(message.source.startsWith("Worker") ? /Worker (w 1|w2) ended/ : message);
    expect([...controlService.answers.keys()].sort()).toEqual(["w 1", "w2"]);
    for (const { error, instructionId } of controlService.answers.values()) {
      expect(instructionId).toBe("i1");
      expect(readFailures(error)).toMatchObject([{ code }]);
    }
    // Flink reads an answer only when there is a data connection.
    expect([...controlService.dataOf].sort()).toEqual(["w 1", "w2"]);
    expect(staged()).toEqual([]);
  });

  test("a folder that can't be had", async () => {
    expect(await start({}, "--semi_persist_dir=/dev/null/x")).toBe(1);
    expect(errors.join()).toMatch(/no folder for the files of the job in "\/dev\/null\/x"/);
    expect(readFailures(controlService.answers.get("w 1")!.error)).toMatchObject([
      { code: "FILE_NOT_WRITABLE" },
    ]);
  });

  test("a provision service that does not answer, when the command line has the control endpoint", async () => {
    provisionService.close();
    expect(await start({}, `--control_endpoint=${controlService.address}`)).toBe(1);
    expect(readFailures(controlService.answers.get("w 1")!.error)).toMatchObject([
      { code: "RUNNER_BOOT_FAILED" },
    ]);
  });

  test("nothing that answers at all", async () => {
    provisionService.close();
    expect(await start()).toBe(1);
    expect(errors.join()).toMatch(/provision service at .* does not answer/);
    expect(log()).toMatch(/provision service/);
  });

  test("a control endpoint that nobody serves", async () => {
    setInfo({ controlEndpoint: { url: "localhost:1" } });
    provisionService.artifacts = [bundleOf(`process.exit(3);`)];
    expect(await start()).toBe(1);
  });

  test("a runner that asks for nothing", async () => {
    const silent: Server = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    setInfo({ controlEndpoint: { url: `127.0.0.1:${port}` } });
    provisionService.artifacts = [bundleOf(`process.exit(3);`)];
    expect(await start({ refuseMs: 200 })).toBe(1);
    silent.close();
  });
});

describe("the submitter on the same machine", () => {
  const run = async (source: string, options: Partial<BootOptions> = {}) => {
    const socket = join(folder, "socket");
    const reports = await bootReports(socket, 50);
    provisionService.artifacts = [served(source)];
    const env = {
      ...process.env,
      BEAM_INDEXEDDB_BOOT_LOG: join(folder, "log"),
      BEAM_INDEXEDDB_BOOT_REPORT: socket,
    };
    const code = await start({ env, ...options });
    return { code, reports };
  };

  test("hears that a worker has died, and nothing of one that ended well", async () => {
    const good = await run("process.exit(0);");
    expect(good.code).toBe(0);
    good.reports.close();
    const bad = await run(`process.kill(process.pid, "SIGKILL");`);
    expect(bad.code).toBe(1);
    await expect(bad.reports.failure).rejects.toMatchObject({
      code: "RUNNER_WORKER_DIED",
      message: expect.stringMatching(/Worker w 1 ended by SIGKILL/),
    });
    bad.reports.close();
  });

  test("notices a boot program that was killed", async () => {
    const socket = join(folder, "socket");
    const reports = await bootReports(socket, 50);
    const client = connect(socket);
    client.end(`${JSON.stringify({ started: "w5" })}\n{"fail`);
    await expect(reports.failure).rejects.toMatchObject({
      code: "RUNNER_WORKER_DIED",
      message: expect.stringMatching(/Worker w5 or its boot program was killed/),
    });
    reports.close();
  });
});
