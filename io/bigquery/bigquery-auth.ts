import { SnapshotError } from "../../snapshot/index.js";
import type { AuthLibrary } from "../file/gs/gcs-auth.js";
import type { HttpRequest } from "../file/http/http-exchange.js";
import { withoutSecrets } from "../file/printable-path.js";

const scope = "https://www.googleapis.com/auth/bigquery";

/** What to do when BigQuery says no. */
export const bigqueryAccessAdvice =
  "Sign in with: gcloud auth application-default login, or name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS; the account needs the roles BigQuery Job User (roles/bigquery.jobUser) for the project and BigQuery Data Editor (roles/bigquery.dataEditor) for the dataset.";

type Client = InstanceType<AuthLibrary["GoogleAuth"]>;

/**
 * Authorizes by Google's application default credentials. google-auth-library is an optional peer dependency, loaded on the first call.
 * @throws each call: SnapshotError STORE_UNAVAILABLE without the library or without credentials; nothing of them is in it
 */
export function bigqueryAuth(
  load: () => Promise<AuthLibrary> = () => import("google-auth-library"),
): (request: HttpRequest) => Promise<HttpRequest> {
  let client: Promise<Client> | undefined;
  return async (request) => {
    client ??= connect(load);
    const library = await client;
    let headers: Readonly<Record<string, string>>;
    try {
      // Older releases give a plain object.
      headers = Object.fromEntries(new Headers(await library.getRequestHeaders()));
    } catch (error) {
      // The library's error has the request in it, and so the credentials: only its text goes on.
      const reason = withoutSecrets((error as Error).message).replace(/\.$/, "");
      throw new SnapshotError(
        "STORE_UNAVAILABLE",
        `This machine has no valid credentials for BigQuery: ${reason}. ${bigqueryAccessAdvice}`,
      );
    }
    return { ...request, headers: { ...request.headers, ...headers } };
  };
}

async function connect(load: () => Promise<AuthLibrary>): Promise<Client> {
  try {
    const library = await load();
    return new library.GoogleAuth({ scopes: [scope] });
  } catch (cause) {
    throw new SnapshotError(
      "STORE_UNAVAILABLE",
      "writeToBigQuery needs the package google-auth-library. Install it, where the workers run, with: npm install google-auth-library@10",
      { cause },
    );
  }
}
