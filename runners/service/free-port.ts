import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

/** Ports of this machine that nobody listens on at the moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const server = createServer();
      servers.push(server);
      // The one address that job servers bind; a port may be free there and taken elsewhere.
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}
