import { AwsClient } from "aws4fetch";
import { behindProxy, programPath, startServer, type StoreServer } from "./store-server.js";

const bucket = "my-bucket";

/** S3 by moto. */
export async function startS3Server(): Promise<StoreServer> {
  const started = await startServer(
    "moto",
    programPath("moto_server", "BEAM_INDEXEDDB_MOTO_SERVER", "moto/bin/moto_server"),
    (port) => ["-H", "127.0.0.1", "-p", String(port)],
    async (port) => {
      const client = new AwsClient({
        accessKeyId: "test",
        secretAccessKey: "test",
        service: "s3",
        region: "us-east-1",
      });
      const answer = await client.fetch(`http://127.0.0.1:${port}/${bucket}`, { method: "PUT" });
      if (!answer.ok) throw new Error(await answer.text());
    },
  );
  return behindProxy(started, (endpoint) => ({
    scheme: "s3",
    folder: `s3://${bucket}/in`,
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test-secret-of-s3",
      AWS_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    },
  }));
}
