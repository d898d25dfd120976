import { inspect } from "node:util";
import { autoscalingAlgorithms, type DataflowOptions } from "./dataflow-options.js";
import { parseGcsLocation } from "./gcs-location.js";

/** All that is checked before anything is sent. */
export interface CheckedOptions extends DataflowOptions {
  readonly jobName?: string | undefined;
}

/** Where jobs are, without what starts one. */
export type DataflowPlace = Pick<
  DataflowOptions,
  "project" | "region" | "dataflowEndpoint" | "storageEndpoint" | "noAuth"
>;

/**
 * Looks at every option, before anything is built or sent.
 * @throws TypeError with all complaints, a sentence each
 */
export function checkDataflowOptions(options: CheckedOptions): void {
  complainOf([
    ...placeComplaints(options),
    ...jobComplaints(options),
    ...machineComplaints(options),
    ...updateComplaints(options),
    ...jobServiceComplaints(options),
  ]);
}

/** @throws TypeError with all complaints, a sentence each */
export function checkDataflowPlace(place: DataflowPlace): void {
  complainOf([...placeComplaints(place)]);
}

function complainOf(complaints: readonly string[]): void {
  if (complaints.length > 0) throw new TypeError(complaints.join(" "));
}

type Complaints = Generator<string, void>;

const projectId = /^(?:[a-z0-9][a-z0-9.-]*\.[a-z]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$/;
const regionName = /^[a-z]+(?:-[a-z]+)+\d+$/;
const zoneName = /^[a-z]+(?:-[a-z]+)+\d+-[a-z]$/;

function* placeComplaints(place: DataflowPlace): Complaints {
  const { project, region, noAuth = false } = place;
  if (project === undefined)
    yield "The runner dataflow needs project: the id of the project that runs and pays the job.";
  else if (!projectId.test(project))
    yield `project is the id of a project, such as my-project-123 (not its name or number), not ${shown(project)}.`;
  if (region === undefined)
    yield "The runner dataflow needs region: where the job runs, such as europe-west1.";
  else if (!regionName.test(region)) yield `region is a region such as europe-west1, not ${shown(region)}.`;
  yield* wrongType("noAuth", noAuth, "boolean");
  for (const name of ["dataflowEndpoint", "storageEndpoint"] as const) {
    const endpoint = place[name];
    const url = endpoint === undefined ? undefined : urlOf(endpoint);
    if (endpoint !== undefined && !url)
      yield `${name} is a URL such as https://host, not ${shown(withoutUser(endpoint))}.`;
    else if (url?.protocol === "http:" && !isThisMachine(url))
      yield `${name} has to be https, since credentials go there, not ${shown(endpoint)}.`;
    if (noAuth && !(url && isThisMachine(url)))
      yield `noAuth is for tests, with dataflowEndpoint and storageEndpoint on this machine; ${name} is not.`;
  }
}

function* jobComplaints(options: CheckedOptions): Complaints {
  const { jobName, tempLocation, sdkContainerImage, labels, dataflowKmsKey } = options;
  if (tempLocation === undefined)
    yield "The runner dataflow needs tempLocation: gs://bucket/path for temporary files of the job.";
  for (const name of ["tempLocation", "stagingLocation", "templateLocation"] as const) {
    const value = options[name];
    const location = value === undefined ? undefined : parseGcsLocation(value);
    if (value !== undefined && !location) yield `${name} is gs://bucket/path, not ${shown(value)}.`;
    if (name === "templateLocation" && location?.path === "")
      yield `templateLocation is the name of a file, gs://bucket/path, not ${shown(value)}.`;
  }
  if (jobName !== undefined && !/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(jobName))
    yield `jobName on Dataflow has up to 63 lower-case letters, digits and dashes, with a letter first and no dash at the end, not ${shown(jobName)}.`;
  yield* imageComplaints(sdkContainerImage);
  yield* labelComplaints(labels);
  yield* wrongText(options.sdkName, "sdkName", /^\S.{0,99}$/, "Apache Beam SDK for TypeScript");
  yield* wrongText(options.sdkVersion, "sdkVersion", /^\d+\.\d+\.\d+\S{0,20}$/, "2.49.0");
  for (const name of ["experiments", "dataflowServiceOptions"] as const) {
    const list: unknown = options[name] ?? [];
    if (!Array.isArray(list)) yield `${name} is a list, not ${shown(list)}.`;
    else
      for (const item of list)
        if (typeof item !== "string" || !/^[\w.-]+(?:=[^\s,]*)?$/.test(item))
          yield `${name} has items like name or name=value, not ${shown(item)}.`;
  }
  if (
    dataflowKmsKey !== undefined &&
    !/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/.test(dataflowKmsKey)
  )
    yield `dataflowKmsKey is projects/P/locations/L/keyRings/R/cryptoKeys/K, not ${shown(dataflowKmsKey)}.`;
}

function* imageComplaints(image: string | undefined): Complaints {
  if (image === undefined) {
    yield "The runner dataflow needs sdkContainerImage: an image with the boot program, such as europe-docker.pkg.dev/my-project/my-repo/beam-indexeddb-worker:1 (docs/runners/dataflow.md says how it is built).";
    return;
  }
  if (/(?:^|\/)apache\/beam_[a-z0-9_]+_sdk(?:[:@]|$)/.test(image)) {
    yield `sdkContainerImage is ${shown(image)}, which Dataflow replaces by an image of its own that does not exist for TypeScript. Build the image of this package and name it in full.`;
    return;
  }
  const [host = "", ...path] = image.split("/");
  const isComplete =
    path.length > 0 &&
    !path.includes("") &&
    /^[a-z0-9.-]+(?::\d+)?$/.test(host) &&
    (host.includes(".") || host.includes(":"));
  if (!isComplete || image.length > 512 || !/^[\w][\w.:/@-]*$/.test(image))
    yield `sdkContainerImage has to be the full name of an image, with its registry, such as europe-docker.pkg.dev/my-project/my-repo/beam-indexeddb-worker:1, not ${shown(image)}.`;
}

function* labelComplaints(labels: unknown): Complaints {
  if (labels === undefined) return;
  if (typeof labels !== "object" || labels === null || Array.isArray(labels)) {
    yield `labels is an object of texts, not ${shown(labels)}.`;
    return;
  }
  const entries = Object.entries(labels) as [string, unknown][];
  if (entries.length > 64) yield `A job has at most 64 labels, not ${entries.length}.`;
  for (const [key, value] of entries) {
    if (!/^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key))
      yield `A label's key has up to 63 lower-case letters, digits, "_" and "-", with a letter first, not ${shown(key)}.`;
    if (typeof value !== "string" || !/^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value))
      yield `The label ${shown(key)} has a value of up to 63 lower-case letters, digits, "_" and "-", not ${shown(value)}.`;
  }
}

function* machineComplaints(options: CheckedOptions): Complaints {
  const { region, numWorkers, maxNumWorkers, autoscalingAlgorithm, workerRegion, workerZone } = options;
  for (const name of ["numWorkers", "maxNumWorkers", "diskSizeGb"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 31 - 1))
      yield `${name} is a whole number of at least 1, not ${shown(value)}.`;
  }
  if (numWorkers !== undefined && maxNumWorkers !== undefined && numWorkers > maxNumWorkers)
    yield `numWorkers is ${numWorkers}, which is more than maxNumWorkers, ${maxNumWorkers}.`;
  if (autoscalingAlgorithm !== undefined && !autoscalingAlgorithms.includes(autoscalingAlgorithm))
    yield `autoscalingAlgorithm is one of ${autoscalingAlgorithms.join(", ")}, not ${shown(autoscalingAlgorithm)}.`;
  if (autoscalingAlgorithm === "NONE" && numWorkers === undefined)
    yield "autoscalingAlgorithm NONE needs numWorkers: the number of machines that is kept.";
  yield* wrongText(options.workerMachineType, "workerMachineType", /^[a-z][a-z0-9-]*$/, "n1-standard-2");
  yield* wrongText(workerRegion, "workerRegion", regionName, "europe-west1");
  yield* wrongText(workerZone, "workerZone", zoneName, "europe-west1-b");
  if (workerRegion !== undefined && workerZone !== undefined)
    yield "workerRegion and workerZone exclude each other: the zone says the region.";
  yield* wrongText(
    options.network,
    "network",
    /^(?:https:\/\/[^\s/]+\/)?[\w:.-]+(?:\/[\w:.-]+)*$/,
    "my-network",
  );
  yield* subnetworkComplaints(options.subnetwork, workerZone?.slice(0, -2) ?? workerRegion ?? region);
  yield* wrongType("usePublicIps", options.usePublicIps, "boolean");
  yield* wrongText(
    options.serviceAccountEmail,
    "serviceAccountEmail",
    /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
    "name@my-project.iam.gserviceaccount.com",
  );
}

function* subnetworkComplaints(subnetwork: string | undefined, region: string | undefined): Complaints {
  if (subnetwork === undefined) return;
  const [, of] =
    /^(?:https:\/\/[^\s/]+\/compute\/[^\s/]+\/projects\/[^\s/]+\/)?regions\/([^\s/]+)\/subnetworks\/[^\s/]+$/.exec(
      subnetwork,
    ) ?? [];
  if (of === undefined)
    yield `subnetwork is regions/REGION/subnetworks/NAME or the full URL of one, not ${shown(subnetwork)}.`;
  else if (region !== undefined && of !== region)
    yield `subnetwork is of the region ${of}, but the machines are in ${region}.`;
}

function* updateComplaints({
  jobName,
  update = false,
  transformNameMapping,
  templateLocation,
}: CheckedOptions): Complaints {
  yield* wrongType("update", update, "boolean");
  if (update && jobName === undefined) yield "update replaces a running job: name it with jobName.";
  if (update && templateLocation !== undefined)
    yield "update starts a job, templateLocation does not: they exclude each other.";
  if (transformNameMapping === undefined) return;
  if (!update) yield "transformNameMapping is for update: without it no job is replaced.";
  const isMapping = Object.values(transformNameMapping).every((to) => typeof (to as unknown) === "string");
  if (!isMapping) yield "transformNameMapping is an object of texts: new names of steps by their old names.";
}

function* jobServiceComplaints(options: CheckedOptions): Complaints {
  const { dataflowJobService = false } = options;
  yield* wrongType("dataflowJobService", dataflowJobService, "boolean");
  if (!dataflowJobService) return;
  for (const name of ["templateLocation", "update", "sdkName", "sdkVersion"] as const)
    if (options[name] !== undefined && options[name] !== false)
      yield `${name} is for jobs that are submitted directly, without dataflowJobService.`;
}

function* wrongText(value: unknown, name: string, pattern: RegExp, example: string): Complaints {
  if (value !== undefined && !(typeof value === "string" && pattern.test(value)))
    yield `${name} is something like ${example}, not ${shown(value)}.`;
}

function* wrongType(name: string, value: unknown, type: "boolean"): Complaints {
  if (value !== undefined && typeof value !== type) yield `${name} is true or false, not ${shown(value)}.`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : inspect(value, { breakLength: Infinity });
}

function urlOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "" ? url : undefined;
}

/** Whoever writes a password into a URL does not want to see it in a log. */
function withoutUser(endpoint: string): string {
  return endpoint.replace(/\/\/[^/]*@/, "//(secret)@");
}

function isThisMachine({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}
