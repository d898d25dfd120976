import { expect, test } from "vitest";
import {
  checkDataflowOptions,
  checkDataflowPlace,
} from "../../../runners/dataflow/check-dataflow-options.js";
import { dataflowOptionNames } from "../../../runners/dataflow/dataflow-options.js";
import { referenceName, referenceOptions } from "./test-job.js";

const options = { ...referenceOptions, jobName: referenceName };

const image = (name: string) => ({ sdkContainerImage: name });

test("takes a job with all options", () => {
  checkDataflowOptions(options);
  checkDataflowOptions({
    ...options,
    workerZone: undefined,
    update: true,
    transformNameMapping: { a: "b" },
  });
});

test.each([
  ["project", undefined, "The runner dataflow needs project"],
  ["project", "My Project", "not its name or number"],
  ["project", "123456789", "not its name or number"],
  ["region", undefined, "The runner dataflow needs region"],
  ["region", "europe-west1-b", "region is a region such as europe-west1"],
  ["tempLocation", undefined, "The runner dataflow needs tempLocation"],
  ["tempLocation", "/tmp/x", "tempLocation is gs://bucket/path"],
  ["tempLocation", "gs://UPPER/x", "tempLocation is gs://bucket/path"],
  ["tempLocation", "gs://bucket/../x", "tempLocation is gs://bucket/path"],
  ["tempLocation", "gs://bucket//x", "tempLocation is gs://bucket/path"],
  ["tempLocation", "gs://bucket/a\nb", "tempLocation is gs://bucket/path"],
  ["stagingLocation", "s3://bucket/x", "stagingLocation is gs://bucket/path"],
  ["templateLocation", "gs://bucket", "templateLocation is the name of a file"],
  ["jobName", "Notes", "jobName on Dataflow has up to 63"],
  ["jobName", "1-notes", "jobName on Dataflow has up to 63"],
  ["jobName", "notes-", "jobName on Dataflow has up to 63"],
  ["jobName", "n".repeat(64), "jobName on Dataflow has up to 63"],
  ["labels", { Team: "a" }, "A label's key"],
  ["labels", { team: "A B" }, 'The label "team" has a value'],
  ["labels", { team: 1 }, 'The label "team" has a value'],
  ["labels", ["team"], "labels is an object of texts"],
  [
    "labels",
    Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ""])),
    "at most 64 labels, not 65",
  ],
  ["numWorkers", 0, "numWorkers is a whole number of at least 1"],
  ["numWorkers", 1.5, "numWorkers is a whole number of at least 1"],
  ["numWorkers", 9, "more than maxNumWorkers"],
  ["maxNumWorkers", "5", "maxNumWorkers is a whole number of at least 1"],
  ["diskSizeGb", 2 ** 31, "diskSizeGb is a whole number"],
  ["autoscalingAlgorithm", "SOMETIMES", "autoscalingAlgorithm is one of"],
  ["workerMachineType", "n1 standard", "workerMachineType is something like"],
  ["network", "my network", "network is something like"],
  ["subnetwork", "my-subnetwork", "subnetwork is regions/REGION/subnetworks/NAME"],
  ["subnetwork", "regions/us-east1/subnetworks/x", "the machines are in europe-west1"],
  ["usePublicIps", "no", "usePublicIps is true or false"],
  ["serviceAccountEmail", "worker", "serviceAccountEmail is something like"],
  ["workerRegion", "europe-west1", "workerRegion and workerZone exclude each other"],
  ["workerZone", "europe-west1", "workerZone is something like"],
  ["dataflowKmsKey", "key", "dataflowKmsKey is projects/P"],
  ["experiments", "a", "experiments is a list"],
  ["experiments", ["a b"], "experiments has items like name or name=value"],
  ["dataflowServiceOptions", [1], "dataflowServiceOptions has items like"],
  ["update", "yes", "update is true or false"],
  ["transformNameMapping", { a: "b" }, "transformNameMapping is for update"],
  ["sdkVersion", "new", "sdkVersion is something like"],
  ["dataflowEndpoint", "dataflow", "dataflowEndpoint is a URL"],
  ["dataflowEndpoint", "http://example.com", "has to be https, since credentials go there"],
  ["storageEndpoint", "https://user:secret@example.com", "storageEndpoint is a URL"],
  ["noAuth", true, "noAuth is for tests"],
])("refuses %s = %j", (name, value, complaint) => {
  expect(() => checkDataflowOptions({ ...options, [name]: value })).toThrow(complaint);
});

test.each([
  ["worker"],
  ["worker:1"],
  ["my-repo/worker:1"],
  ["europe-docker.pkg.dev/"],
  ["europe-docker.pkg.dev/a b"],
])("refuses the image %s, which names no registry", (name) => {
  expect(() => checkDataflowOptions({ ...options, ...image(name) })).toThrow(
    "has to be the full name of an image",
  );
});

test.each([
  ["apache/beam_typescript_sdk"],
  ["apache/beam_typescript_sdk:2.49.0"],
  ["docker.io/apache/beam_java_sdk:2"],
])("refuses the image %s, which the service replaces", (name) => {
  expect(() => checkDataflowOptions({ ...options, ...image(name) })).toThrow(
    "which Dataflow replaces by an image of its own",
  );
});

test("tells all complaints at once", () => {
  expect(() => checkDataflowOptions({ jobName: "A" })).toThrow(
    /^The runner dataflow needs project: .* needs region: .* needs tempLocation: .*jobName on .* needs sdkContainerImage: /,
  );
});

test("wants a job's name for its update, and no template with it", () => {
  expect(() =>
    checkDataflowOptions({
      ...options,
      jobName: undefined,
      update: true,
      templateLocation: "gs://bucket/t",
    }),
  ).toThrow(/update replaces a running job: name it with jobName\. .*exclude each other/);
});

test("a place needs no more than project and region", () => {
  checkDataflowPlace({ project: "my-project-123", region: "us-central1" });
  checkDataflowPlace({ project: "example.com:my-project-123", region: "northamerica-northeast1" });
  expect(() => checkDataflowPlace({})).toThrow("needs project");
});

test("names every option once", () => {
  expect(new Set(dataflowOptionNames).size).toBe(dataflowOptionNames.length);
});

test("wants nothing of Beam's job service that it does not have", () => {
  const own = { dataflowJobService: true };
  checkDataflowOptions({ ...options, ...own });
  for (const further of [{ templateLocation: "gs://bucket/t" }, { update: true }, { sdkVersion: "2.70.0" }])
    expect(() => checkDataflowOptions({ ...options, ...own, ...further })).toThrow(
      `${Object.keys(further)[0]!} is for jobs that are submitted directly`,
    );
});

test("shows no password that stands in a URL", () => {
  const storageEndpoint = "https://user:hunter2@example.com";
  expect(() => checkDataflowOptions({ ...options, storageEndpoint })).toThrow(/^(?!.*hunter2)/s);
});
