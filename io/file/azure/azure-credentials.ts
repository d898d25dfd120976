import { createHmac } from "node:crypto";
import type * as identity from "@azure/identity";
import { SnapshotError } from "../../../snapshot/index.js";
import type { HttpRequest } from "../http/http-exchange.js";
import { withoutSecrets } from "../printable-path.js";

/** The part of @azure/identity that is used. */
export type IdentityLibrary = Pick<typeof identity, "DefaultAzureCredential">;

/** Where an account's blobs are, and how requests to it are authorized. */
export interface AzureAccount {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** A shared access signature, which is a part of every address; "" when there is none. */
  readonly sas: string;
  readonly authorize: (request: HttpRequest) => Promise<HttpRequest>;
}

const scope = "https://storage.azure.com/.default";
const apiVersion = "2023-11-03";

/** The account and key that Azurite and the emulator before it have, the same for everybody, and documented. */
const developmentAccount =
  "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1";

/** What to do when Blob Storage says no. */
export const azureAccessAdvice =
  "Check AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or sign in with: az login; the account needs the role Storage Blob Data Contributor.";

/**
 * The account by Azure's conventions: AZURE_STORAGE_CONNECTION_STRING; AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY, with AZURE_STORAGE_SAS_TOKEN, or with whatever
 * @azure/identity finds (environment, workload and managed identity, az login). That is an optional peer dependency, loaded when it is needed.
 * @throws SnapshotError FILE_ACCESS_DENIED when no account is named; nothing of the credentials is in it
 */
export function azureAccount(
  env: NodeJS.ProcessEnv,
  load: () => Promise<IdentityLibrary> = () => import("@azure/identity"),
): AzureAccount {
  const text = env.AZURE_STORAGE_CONNECTION_STRING;
  const parts = new Map<string, string>();
  for (const part of (/^\s*UseDevelopmentStorage=true/i.test(text ?? "")
    ? developmentAccount
    : (text ?? "")
  ).split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0) parts.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const name = parts.get("accountname") ?? env.AZURE_STORAGE_ACCOUNT ?? "";
  const given = parts.get("blobendpoint");
  if (name === "" && given === undefined) {
    throw new SnapshotError(
      "FILE_ACCESS_DENIED",
      `Paths of the form az://container/name need the name of a storage account in AZURE_STORAGE_ACCOUNT. ${azureAccessAdvice}`,
    );
  }
  const endpoint =
    given ??
    `${parts.get("defaultendpointsprotocol") ?? "https"}://${name}.blob.${parts.get("endpointsuffix") ?? "core.windows.net"}`;
  const key = parts.get("accountkey") ?? (text ? undefined : env.AZURE_STORAGE_KEY);
  const sas = (
    parts.get("sharedaccesssignature") ?? (text ? "" : (env.AZURE_STORAGE_SAS_TOKEN ?? ""))
  ).replace(/^\?/, "");
  const account = endpoint.replace(/\/+$/, "");
  if (key !== undefined && key !== "")
    return {
      endpoint: account,
      sas: "",
      authorize: (request) => Promise.resolve(signed(request, name, key)),
    };
  if (sas !== "") return { endpoint: account, sas, authorize: (request) => Promise.resolve(dated(request)) };
  return { endpoint: account, sas: "", authorize: identityAuth(load) };
}

function dated(request: HttpRequest): HttpRequest {
  return {
    ...request,
    headers: { ...request.headers, "x-ms-date": new Date().toUTCString(), "x-ms-version": apiVersion },
  };
}

/** The scheme "SharedKey" of the service's reference. */
function signed(request: HttpRequest, account: string, key: string): HttpRequest {
  const whole = dated(request);
  const headers = whole.headers!;
  const { pathname, searchParams } = new URL(request.url);
  const length = request.body?.length ?? 0;
  const own = Object.keys(headers)
    .filter((name) => name.startsWith("x-ms-"))
    .sort()
    .map((name) => `${name}:${headers[name]!}\n`);
  const query = [...searchParams].map(([name, value]) => `\n${name.toLowerCase()}:${value}`).sort();
  const text = [
    request.method,
    headers["content-encoding"] ?? "",
    headers["content-language"] ?? "",
    length === 0 ? "" : String(length),
    headers["content-md5"] ?? "",
    headers["content-type"] ?? "",
    "",
    headers["if-modified-since"] ?? "",
    headers["if-match"] ?? "",
    headers["if-none-match"] ?? "",
    headers["if-unmodified-since"] ?? "",
    headers.range ?? "",
    `${own.join("")}/${account}${pathname}${query.join("")}`,
  ].join("\n");
  const signature = createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8").digest("base64");
  return { ...whole, headers: { ...headers, authorization: `SharedKey ${account}:${signature}` } };
}

function identityAuth(load: () => Promise<IdentityLibrary>): AzureAccount["authorize"] {
  let credential: Promise<identity.DefaultAzureCredential> | undefined;
  return async (request) => {
    credential ??= loadCredential(load);
    const library = await credential;
    let token: string;
    try {
      ({ token } = await library.getToken(scope));
    } catch (error) {
      const reason = withoutSecrets((error as Error).message.split("\n", 1)[0]!).replace(/\.$/, "");
      throw new SnapshotError(
        "FILE_ACCESS_DENIED",
        `This machine has no valid credentials for Blob Storage: ${reason}. ${azureAccessAdvice}`,
      );
    }
    const whole = dated(request);
    return { ...whole, headers: { ...whole.headers, authorization: `Bearer ${token}` } };
  };
}

async function loadCredential(
  load: () => Promise<IdentityLibrary>,
): Promise<identity.DefaultAzureCredential> {
  try {
    const { DefaultAzureCredential } = await load();
    return new DefaultAzureCredential();
  } catch (cause) {
    throw new SnapshotError(
      "FILE_ACCESS_DENIED",
      "There is no key or shared access signature of the storage account, and other credentials for paths of the form az:// need the package @azure/identity. Set AZURE_STORAGE_CONNECTION_STRING, or install it with: npm install @azure/identity@4",
      { cause },
    );
  }
}
