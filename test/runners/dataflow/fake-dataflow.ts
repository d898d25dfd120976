import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { DataflowJob } from "../../../runners/dataflow/dataflow-job.js";

/** What Beam's Python service makes of a pipeline of ours, and the fields that the REST interface knows (scripts/make-dataflow-reference.mjs). */
export const reference = JSON.parse(
  readFileSync(fileURLToPath(new URL("reference.json", import.meta.url)), "utf8"),
) as {
  readonly artifact: { readonly stagedName: string; readonly sha256: string };
  readonly job: DataflowJob;
  readonly environments: Readonly<Record<string, ReferenceEnvironment>>;
  readonly fields: Readonly<Record<string, Readonly<Record<string, FieldType>>>>;
};

interface ReferenceEnvironment {
  readonly urn: string;
  readonly containerImage: string;
  readonly capabilities: readonly string[];
  readonly dependencies: readonly object[];
}

type FieldType = string | { readonly enum: readonly string[] } | { readonly list: FieldType };

/** What goes wrong with one request. */
export type Fault =
  /** Nothing is done; the answer is this. */
  | { readonly status: number; readonly text?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks before anything is done, or after all is done. */
  | { readonly drop: "before" | "after" }
  /** All is done; the answer is this text. */
  | { readonly answer: string }
  /** All is done; the answer waits for it. */
  | { readonly until: Promise<void> };

/** Kinds of requests. */
export type Kind = "create" | "get" | "list" | "messages" | "metrics" | "update";

/** A job of the fake. */
export interface FakeJob {
  readonly id: string;
  readonly description: DataflowJob;
  /** The last one stays. */
  states: string[];
  messages: Record<string, unknown>[];
  metrics: Record<string, unknown>[];
}

/** Dataflow's REST interface as a server of this machine. It takes nothing that the real one would not know. */
export interface FakeDataflow {
  readonly url: string;
  readonly jobs: FakeJob[];
  /** Kinds of all requests, in their order. */
  readonly requests: Kind[];
  /** Values of the header `authorization` that came. */
  readonly authorizations: Set<string | undefined>;
  /** What was wrong with requests. A test that expects nothing wrong looks here. */
  readonly complaints: string[];
  /** How the next requests of a kind go wrong, one each. */
  fail(kind: Kind, ...faults: Fault[]): void;
  /** What new jobs are like. */
  script: (job: FakeJob) => void;
  /** Whether a second job of a name is refused with 409, or answered with the first job. */
  takenAnswers: "409" | "the first job";
  messagesPerPage: number;
  close(): Promise<void>;
}

const base = "/v1b3/projects/my-project-123/locations/europe-west1/jobs";

export async function startFakeDataflow(): Promise<FakeDataflow> {
  const faults = new Map<Kind, Fault[]>();
  const held = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    held.add(response);
    response.on("close", () => held.delete(response));
    void bodyOf(request).then(async (text) => {
      await answer(request, response, text);
    });
  });
  const answer = async (request: IncomingMessage, response: ServerResponse, text: string): Promise<void> => {
    const url = new URL(request.url ?? "", fake.url);
    const { kind, id } = kindOf(request.method ?? "", url.pathname);
    if (!kind) {
      fake.complaints.push(`${request.method ?? ""} ${url.pathname} is no method of Dataflow`);
      send(response, 404, errorOf(404, "Not found."));
      return;
    }
    fake.requests.push(kind);
    fake.authorizations.add(request.headers.authorization);
    const fault = faults.get(kind)?.shift();
    if (fault && "status" in fault) {
      response.writeHead(fault.status, fault.headers);
      response.end(fault.text ?? JSON.stringify(errorOf(fault.status, "Injected.")));
      return;
    }
    if (fault && "drop" in fault && fault.drop === "before") {
      request.socket.destroy();
      return;
    }
    const [status, body] = handle(kind, id, url, text, request);
    if (fault && "until" in fault) await fault.until;
    if (fault && "drop" in fault) request.socket.destroy();
    else if (fault && "answer" in fault) response.end(fault.answer);
    else send(response, status, body);
  };
  const handle = (
    kind: Kind,
    id: string,
    url: URL,
    text: string,
    request: IncomingMessage,
  ): [number, unknown] => {
    const complain = (what: string): [number, unknown] => {
      fake.complaints.push(`${kind}: ${what}`);
      return [400, errorOf(400, what)];
    };
    const unknown = [...url.searchParams.keys()].find(
      // "alt" is of every method of every service of Google.
      (name) => name !== "alt" && !parameters[kind].includes(name),
    );
    if (unknown !== undefined) return complain(`there is no parameter ${unknown}`);
    const hasBody = kind === "create" || kind === "update";
    if (!hasBody && text !== "") return complain("there is a body");
    if (hasBody && !String(request.headers["content-type"]).startsWith("application/json"))
      return complain("the body is no JSON by its type");
    const found = fake.jobs.find((one) => one.id === id);
    if (kind === "create") return create(text, complain);
    if (kind === "list") return [200, listed(url)];
    if (!found) return [404, errorOf(404, `There is no job ${id}.`)];
    switch (kind) {
      case "get":
        return [200, shown(found)];
      case "messages":
        return [200, messages(found, url)];
      case "metrics":
        return [200, { metricTime: "2026-01-01T00:00:00Z", metrics: found.metrics }];
      case "update": {
        const body = JSON.parse(text) as Record<string, unknown>;
        const wrong = wrongFields(body, "Job", "");
        if (wrong !== undefined) return complain(wrong);
        const requested = body.requestedState as string;
        if (["JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"].includes(found.states[0]!))
          return [400, errorOf(400, "The job has ended.")];
        found.states =
          requested === "JOB_STATE_CANCELLED"
            ? ["JOB_STATE_CANCELLING", "JOB_STATE_CANCELLED"]
            : ["JOB_STATE_DRAINING", "JOB_STATE_DRAINED"];
        return [200, shown(found)];
      }
    }
  };
  const create = (text: string, complain: (what: string) => [number, unknown]): [number, unknown] => {
    const description = JSON.parse(text) as DataflowJob;
    const wrong = wrongFields(description, "Job", "") ?? missingFields(description);
    if (wrong !== undefined) return complain(wrong);
    const replaced = fake.jobs.find((one) => one.id === description.replaceJobId);
    const taken = fake.jobs.find(
      (one) => one !== replaced && one.description.name === description.name && isActive(one),
    );
    if (taken)
      return fake.takenAnswers === "409"
        ? [409, errorOf(409, `There is already an active job named ${description.name}.`)]
        : [200, shown(taken)];
    if (replaced) replaced.states = ["JOB_STATE_UPDATED"];
    const job: FakeJob = {
      id: `2026-01-01_00_00_00-${fake.jobs.length + 1}`,
      description,
      states: ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_DONE"],
      messages: [],
      metrics: [],
    };
    fake.script(job);
    fake.jobs.push(job);
    return [200, shown(job)];
  };
  const listed = (url: URL): unknown => {
    const name = url.searchParams.get("name");
    const onlyActive = url.searchParams.get("filter") === "ACTIVE";
    // One a page: whoever asks has to turn pages.
    const all = fake.jobs
      .toReversed()
      .filter((one) => (name === null || one.description.name === name) && (!onlyActive || isActive(one)));
    const at = Number(url.searchParams.get("pageToken") ?? 0);
    return {
      // Lists have summaries only.
      ...(all[at] ? { jobs: [{ ...current(all[at]), clientRequestId: undefined }] } : {}),
      ...(at + 1 < all.length ? { nextPageToken: String(at + 1) } : {}),
    };
  };
  const messages = (job: FakeJob, url: URL): unknown => {
    const since = Date.parse(url.searchParams.get("startTime") ?? "1970-01-01T00:00:00Z");
    const all = job.messages.filter(({ time }) => Date.parse(String(time)) >= since);
    const at = Number(url.searchParams.get("pageToken") ?? 0);
    const end = at + fake.messagesPerPage;
    return {
      jobMessages: all.slice(at, end),
      autoscalingEvents: [],
      ...(end < all.length ? { nextPageToken: String(end) } : {}),
    };
  };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const fake: FakeDataflow = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    jobs: [],
    requests: [],
    authorizations: new Set(),
    complaints: [],
    fail(kind, ...more) {
      faults.set(kind, [...(faults.get(kind) ?? []), ...more]);
    },
    script: () => undefined,
    takenAnswers: "409",
    messagesPerPage: 2,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return fake;
}

const parameters: Readonly<Record<Kind, readonly string[]>> = {
  create: [],
  get: [],
  list: ["filter", "name", "pageToken", "pageSize"],
  messages: ["minimumImportance", "startTime", "endTime", "pageToken", "pageSize"],
  metrics: [],
  update: [],
};

function kindOf(method: string, path: string): { kind: Kind | undefined; id: string } {
  const [, encoded = "", part = ""] = path.startsWith(base)
    ? (/^(?:\/([^/]+)(?:\/(messages|metrics))?)?$/.exec(path.slice(base.length)) ?? [])
    : [];
  const id = decodeURIComponent(encoded);
  const isWhole = path === base;
  if (method === "POST" && isWhole) return { kind: "create", id };
  if (method === "PUT" && id !== "" && part === "") return { kind: "update", id };
  if (method !== "GET") return { kind: undefined, id };
  if (isWhole) return { kind: "list", id };
  if (id === "") return { kind: undefined, id };
  return { kind: part === "messages" ? "messages" : part === "metrics" ? "metrics" : "get", id };
}

function isActive({ states }: FakeJob): boolean {
  return !/_(?:DONE|FAILED|CANCELLED|DRAINED|UPDATED)$/.test(states[0]!);
}

/** A look at a job takes it one step on. */
function shown(job: FakeJob): unknown {
  const now = current(job);
  if (job.states.length > 1) job.states.shift();
  return now;
}

function current(job: FakeJob): object {
  const { name, type, clientRequestId } = job.description;
  return {
    id: job.id,
    projectId: "my-project-123",
    location: "europe-west1",
    name,
    type,
    clientRequestId,
    currentState: job.states[0],
  };
}

/** The first field that the interface does not know, or knows with another type. */
export function wrongFields(value: unknown, message: string, path: string): string | undefined {
  const fields = reference.fields[message]!;
  for (const [name, field] of Object.entries(value as object) as [string, unknown][]) {
    const type = fields[name];
    if (type === undefined) return `Unknown name "${name}" at '${path}'`;
    const wrong = wrongValue(field, type, `${path}${name}`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongValue(value: unknown, type: FieldType, path: string): string | undefined {
  if (typeof type === "object") {
    if ("enum" in type) return type.enum.includes(value as string) ? undefined : `${path} is no such value`;
    if (!Array.isArray(value)) return `${path} is no list`;
    return value
      .map((item, i) => wrongValue(item, type.list, `${path}[${i}]`))
      .find((wrong) => wrong !== undefined);
  }
  if (type in reference.fields) return wrongFields(value, type, `${path}.`);

  return value !== null && typeof value === type ? undefined : `${path} is no ${type}`;
}

function missingFields(job: DataflowJob): string | undefined {
  const { environment } = job;
  const needed: Record<string, unknown> = {
    name: job.name,
    type: job.type,
    clientRequestId: job.clientRequestId,
    "environment.userAgent": environment.userAgent,
    "environment.version": environment.version,
    "environment.tempStoragePrefix": environment.tempStoragePrefix,
    "workerPools[0].sdkHarnessContainerImages[0]": environment.workerPools[0]?.sdkHarnessContainerImages[0],
    "sdkPipelineOptions.options.pipelineUrl": (
      environment.sdkPipelineOptions.options as Record<string, unknown> | undefined
    )?.pipelineUrl,
  };
  const missing = Object.entries(needed).find(([, value]) => value === undefined || value === "");
  return missing && `${missing[0]} is missing`;
}

function errorOf(code: number, message: string): unknown {
  return { error: { code, message, status: "INJECTED" } };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=UTF-8" });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}
