import { azureAccount } from "../../../../io/file/azure/azure-credentials.js";
import { once } from "../../../../io/file/http/http-client.js";
import { behindProxy, programPath, startServer, type StoreServer } from "./store-server.js";

const container = "my-container";
/** The account that Azurite has, the same for everybody. */
const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

function connectionString(endpoint: string): string {
  return `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint}/${account};`;
}

/** Blob Storage by Azurite. */
export async function startAzureServer(): Promise<StoreServer> {
  const started = await startServer(
    "azurite",
    process.execPath,
    (port) => [
      programPath(
        "azurite-blob",
        "BEAM_INDEXEDDB_AZURITE",
        "azurite/node_modules/azurite/dist/src/blob/main.js",
      ),
      ..."--inMemoryPersistence --skipApiVersionCheck --disableTelemetry --silent --blobHost 127.0.0.1 --blobPort".split(
        " ",
      ),
      String(port),
    ],
    async (port) => {
      const { authorize, endpoint } = azureAccount({
        AZURE_STORAGE_CONNECTION_STRING: connectionString(`http://127.0.0.1:${port}`),
      });
      const { head, body } = await once(
        await authorize({ method: "PUT", url: `${endpoint}/${container}?restype=container` }),
      );
      if (head.status >= 300) throw new Error(body.toString());
    },
  );
  return behindProxy(started, (endpoint) => ({
    scheme: "az",
    folder: `az://${container}/in`,
    env: { AZURE_STORAGE_CONNECTION_STRING: connectionString(endpoint) },
  }));
}
