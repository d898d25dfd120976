import type { HttpRequest } from "../http/http-exchange.js";
import { type AuthLibrary, googleAuth } from "./google-auth.js";

/** What to do when Cloud Storage says no. */
export const gcsAccessAdvice =
  "Sign in with: gcloud auth application-default login, or name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS; the account needs the role Storage Object User (roles/storage.objectUser) for the bucket.";

/**
 * Authorizes requests to Cloud Storage: see `googleAuth`.
 * @throws each call: SnapshotError FILE_ACCESS_DENIED without the library or without credentials
 */
export function gcsAuth(load?: () => Promise<AuthLibrary>): (request: HttpRequest) => Promise<HttpRequest> {
  const service = {
    title: "Cloud Storage",
    scope: "https://www.googleapis.com/auth/devstorage.read_write",
    code: "FILE_ACCESS_DENIED",
    advice: gcsAccessAdvice,
    needs: "Paths of the form gs:// need",
  } as const;
  return googleAuth(service, load);
}
