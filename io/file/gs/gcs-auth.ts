import type * as authLibrary from "google-auth-library";
import { SnapshotError } from "../../../snapshot/index.js";
import type { HttpRequest } from "../http/http-exchange.js";
import { withoutSecrets } from "../printable-path.js";

const scope = "https://www.googleapis.com/auth/devstorage.read_write";

/** The part of google-auth-library that is used. */
export type AuthLibrary = Pick<typeof authLibrary, "GoogleAuth">;

/** What to do when Cloud Storage says no. */
export const gcsAccessAdvice =
  "Sign in with: gcloud auth application-default login, or name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS; the account needs the role Storage Object User (roles/storage.objectUser) for the bucket.";

/**
 * Authorizes by Google's application default credentials. google-auth-library is an optional peer dependency, loaded on the first call.
 * @throws each call: SnapshotError FILE_ACCESS_DENIED without the library or without credentials; nothing of them is in it
 */
export function gcsAuth(
  load: () => Promise<AuthLibrary> = () => import("google-auth-library"),
): (request: HttpRequest) => Promise<HttpRequest> {
  let auth: Promise<authLibrary.GoogleAuth> | undefined;
  return async (request) => {
    auth ??= loadAuth(load);
    const library = await auth;
    let headers: Readonly<Record<string, string>>;
    try {
      // Older releases give a plain object.
      headers = Object.fromEntries(new Headers(await library.getRequestHeaders()));
    } catch (error) {
      // The library's error has the request in it, and so the credentials: only its text goes on.
      const reason = withoutSecrets((error as Error).message).replace(/\.$/, "");
      throw new SnapshotError(
        "FILE_ACCESS_DENIED",
        `This machine has no valid credentials for Cloud Storage: ${reason}. ${gcsAccessAdvice}`,
      );
    }
    return { ...request, headers: { ...request.headers, ...headers } };
  };
}

async function loadAuth(load: () => Promise<AuthLibrary>): Promise<authLibrary.GoogleAuth> {
  let library: AuthLibrary;
  try {
    library = await load();
  } catch (cause) {
    throw new SnapshotError(
      "FILE_ACCESS_DENIED",
      "Paths of the form gs:// need the package google-auth-library. Install it with: npm install google-auth-library@10",
      { cause },
    );
  }
  return new library.GoogleAuth({ scopes: [scope] });
}
