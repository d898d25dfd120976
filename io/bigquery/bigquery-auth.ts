import { type AuthLibrary, googleAuth } from "../file/gs/google-auth.js";
import type { HttpRequest } from "../file/http/http-exchange.js";

/** What to do when BigQuery says no. */
export const bigqueryAccessAdvice =
  "Sign in with: gcloud auth application-default login, or name the key file of a service account in GOOGLE_APPLICATION_CREDENTIALS; the account needs the roles BigQuery Job User (roles/bigquery.jobUser) for the project and BigQuery Data Editor (roles/bigquery.dataEditor) for the dataset.";

/**
 * Authorizes requests to BigQuery: see `googleAuth`.
 * @throws each call: SnapshotError STORE_UNAVAILABLE without the library or without credentials
 */
export function bigqueryAuth(
  load?: () => Promise<AuthLibrary>,
): (request: HttpRequest) => Promise<HttpRequest> {
  const service = {
    title: "BigQuery",
    scope: "https://www.googleapis.com/auth/bigquery",
    code: "STORE_UNAVAILABLE",
    advice: bigqueryAccessAdvice,
    needs: "writeToBigQuery needs",
  } as const;
  return googleAuth(service, load);
}
