import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { findCluster } from "../../../runners/service/find-cluster.js";
import { freePorts } from "../../../runners/service/free-port.js";

test("a cluster that is there is found, one that is not is told at once", async () => {
  const [none] = await freePorts(1);
  const server = createServer((socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  try {
    for (const master of [
      `127.0.0.1:${port}`,
      `http://127.0.0.1:${port}`,
      `spark://127.0.0.1:${port}`,
      `spark://127.0.0.1:${none},127.0.0.1:${port}`,
    ])
      await findCluster("Any", master);
    for (const master of [`127.0.0.1:${none}`, `spark://127.0.0.1:${none}`])
      await expect(findCluster("Flink", master)).rejects.toMatchObject({
        code: "RUNNER_ENDPOINT_UNREACHABLE",
        message: `No Flink cluster answers at ${master}. Check host and port, and that it runs.`,
      });
  } finally {
    server.close();
  }
});

test.each(["[local]", "[auto]", "local[*]", "local[2]", "yarn", "k8s://https://host:6443"])(
  "%s is no address, and is left to the job server",
  async (master) => {
    await findCluster("Any", master);
  },
);
