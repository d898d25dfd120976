import type * as authLibrary from "google-auth-library";
import { SnapshotError } from "../../snapshot/index.js";
import { withoutSecrets } from "./http-error.js";

/** Headers that authorize a request. */
export type Authorize = () => Promise<Readonly<Record<string, string>>>;

const scope = "https://www.googleapis.com/auth/cloud-platform";

/** The part of google-auth-library that is used. */
export type AuthLibrary = Pick<typeof authLibrary, "GoogleAuth">;

/**
 * Authorizes by the application default credentials of this machine: GOOGLE_APPLICATION_CREDENTIALS, gcloud's login, or the machine's account on Google Cloud.
 * Nothing of them gets into an error.
 *
 * google-auth-library is an optional peer dependency, loaded on the first call.
 * @throws each call: SnapshotError RUNNER_PROGRAM_MISSING without the library, RUNNER_SERVICE_FAILED without credentials
 */
export function googleAuth(
  load: () => Promise<AuthLibrary> = () => import("google-auth-library"),
): Authorize {
  let auth: Promise<authLibrary.GoogleAuth> | undefined;
  return async () => {
    auth ??= loadAuth(load);
    const library = await auth;
    try {
      // Older releases give a plain object.
      return Object.fromEntries(new Headers(await library.getRequestHeaders()));
    } catch (error) {
      throw new SnapshotError(
        "RUNNER_SERVICE_FAILED",
        // The library's error has the request in it, and so the credentials: only its text goes on.
        `This machine has no valid credentials for Google Cloud: ${withoutSecrets((error as Error).message).replace(/\.$/, "")}. Sign in with: gcloud auth application-default login, or name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS.`,
      );
    }
  };
}

/** Authorizes nothing. */
export const noAuth: Authorize = () => Promise.resolve({});

async function loadAuth(load: () => Promise<AuthLibrary>): Promise<authLibrary.GoogleAuth> {
  try {
    const { GoogleAuth } = await load();
    return new GoogleAuth({ scopes: [scope] });
  } catch (cause) {
    throw new SnapshotError(
      "RUNNER_PROGRAM_MISSING",
      "The runner dataflow needs the package google-auth-library. Install it with: npm install google-auth-library@10",
      { cause },
    );
  }
}
