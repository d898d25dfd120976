import type * as authLibrary from "google-auth-library";
import { SnapshotError, type SnapshotErrorCode } from "../../../snapshot/index.js";
import type { HttpRequest } from "../http/http-exchange.js";
import { withoutSecrets } from "../printable-path.js";

/** The part of google-auth-library that is used. */
export type AuthLibrary = Pick<typeof authLibrary, "GoogleAuth">;

/** What is authorized, and what is said when that fails. */
export interface GoogleService {
  /** For messages: "Cloud Storage". */
  readonly title: string;
  readonly scope: string;
  readonly code: SnapshotErrorCode;
  /** What to do without credentials. */
  readonly advice: string;
  /** Who needs the library, as the beginning of a sentence: "Paths of the form gs:// need". */
  readonly needs: string;
}

/**
 * Authorizes requests by Google's application default credentials. google-auth-library is an optional peer dependency, loaded on the first call.
 * @throws each call: SnapshotError with the service's code without the library or without credentials; nothing of them is in it
 */
export function googleAuth(
  service: GoogleService,
  load: () => Promise<AuthLibrary> = () => import("google-auth-library"),
): (request: HttpRequest) => Promise<HttpRequest> {
  const { title, code, advice } = service;
  let auth: Promise<authLibrary.GoogleAuth> | undefined;
  return async (request) => {
    auth ??= connect(service, load);
    const library = await auth;
    let headers: Readonly<Record<string, string>>;
    try {
      // Older releases give a plain object.
      headers = Object.fromEntries(new Headers(await library.getRequestHeaders()));
    } catch (error) {
      // The library's error has the request in it, and so the credentials: only its text goes on.
      const reason = withoutSecrets((error as Error).message).replace(/\.$/, "");
      throw new SnapshotError(
        code,
        `This machine has no valid credentials for ${title}: ${reason}. ${advice}`,
      );
    }
    return { ...request, headers: { ...request.headers, ...headers } };
  };
}

async function connect(
  { scope, code, needs }: GoogleService,
  load: () => Promise<AuthLibrary>,
): Promise<authLibrary.GoogleAuth> {
  let library: AuthLibrary;
  try {
    library = await load();
  } catch (cause) {
    throw new SnapshotError(
      code,
      `${needs} the package google-auth-library. Install it, where the workers run, with: npm install google-auth-library@10`,
      { cause },
    );
  }
  return new library.GoogleAuth({ scopes: [scope] });
}
