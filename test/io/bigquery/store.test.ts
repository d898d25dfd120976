import { afterAll, beforeAll } from "vitest";
import { describeStore } from "../../suites/store-suite.js";
import { startGcsServer } from "../file/servers/gcs-server.js";
import type { StoreServer } from "../file/servers/store-server.js";
import { bigqueryAdapter } from "./bigquery-store.js";
import { type BigQueryServer, startBigQueryServer } from "./bigquery-server.js";

let storage: StoreServer;
let server: BigQueryServer;
const before = { ...process.env };

beforeAll(async () => {
  storage = await startGcsServer();
  server = await startBigQueryServer();
  Object.assign(process.env, storage.env, server.env);
}, 60_000);

afterAll(async () => {
  process.env = before;
  await server.close();
  await storage.close();
});

describeStore(bigqueryAdapter(() => ({ server, folder: storage.folder })));
