import { AwsV4Signer } from "aws4fetch";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { azureAccount, type IdentityLibrary } from "../../../io/file/azure/azure-credentials.js";
import { gcsAuth } from "../../../io/file/gs/gcs-auth.js";
import type { AuthLibrary } from "../../../io/file/gs/google-auth.js";
import { encodeName } from "../../../io/file/object-store/object-place.js";
import { printablePath, withoutSecrets } from "../../../io/file/printable-path.js";
import { type CredentialLibrary, s3Credentials } from "../../../io/file/s3/s3-credentials.js";

const missing = (): Promise<never> => Promise.reject(new Error("Cannot find package"));
const request = { method: "GET", url: "https://host/a" } as const;
const failing = (text: string) => () => Promise.reject(new Error(text));

describe("without the package that finds credentials, and without credentials", () => {
  test.each([
    ["gs://", () => gcsAuth(missing)(request), "npm install google-auth-library"],
    ["s3://", () => s3Credentials({}, missing)(), "npm install @aws-sdk/credential-provider-node"],
    [
      "az://",
      () => azureAccount({ AZURE_STORAGE_ACCOUNT: "a" }, missing).authorize(request),
      "npm install @azure/identity",
    ],
  ])("%s names the package", async (_, attempt, advice) => {
    await expect(attempt()).rejects.toMatchObject({
      code: "FILE_ACCESS_DENIED",
      message: expect.stringContaining(advice) as string,
    });
  });

  const text = "401 for https://user:secret@host/token?client_secret=secret Bearer secret";
  class Auth {
    getRequestHeaders = failing(text);
    getToken = failing(text);
  }
  const google = { GoogleAuth: Auth } as unknown as AuthLibrary;
  const amazon = { defaultProvider: () => failing(text) } as unknown as CredentialLibrary;
  const microsoft = { DefaultAzureCredential: Auth } as unknown as IdentityLibrary;
  test.each([
    ["gs://", () => gcsAuth(() => Promise.resolve(google))(request)],
    ["s3://", () => s3Credentials({}, () => Promise.resolve(amazon))()],
    [
      "az://",
      () => azureAccount({ AZURE_STORAGE_ACCOUNT: "a" }, () => Promise.resolve(microsoft)).authorize(request),
    ],
  ])("%s says so, with nothing secret", async (_, attempt) => {
    const error: unknown = await attempt().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "FILE_ACCESS_DENIED" });
    expect(JSON.stringify([error, (error as Error).message, (error as Error).cause ?? ""])).not.toContain(
      "secret",
    );
  });

  test("a storage account has to be named", () => {
    expect(() => azureAccount({})).toThrow(/AZURE_STORAGE_ACCOUNT/);
  });
});

test("keys in the environment are used as they are, unless a profile is named", async () => {
  const keys = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" };
  expect(await s3Credentials({ ...keys, AWS_SESSION_TOKEN: "token" }, missing)()).toEqual({
    accessKeyId: "id",
    secretAccessKey: "key",
    sessionToken: "token",
  });
  const profile = { accessKeyId: "of", secretAccessKey: "profile" };
  const library = { defaultProvider: () => () => Promise.resolve(profile) };
  expect(await s3Credentials({ ...keys, AWS_PROFILE: "p" }, () => Promise.resolve(library))()).toEqual(
    profile,
  );
});

test.each([
  [{ AZURE_STORAGE_ACCOUNT: "a", AZURE_STORAGE_KEY: "a2V5" }, "https://a.blob.core.windows.net", ""],
  [
    { AZURE_STORAGE_ACCOUNT: "a", AZURE_STORAGE_SAS_TOKEN: "?sv=1&sig=x" },
    "https://a.blob.core.windows.net",
    "sv=1&sig=x",
  ],
  [
    { AZURE_STORAGE_CONNECTION_STRING: "AccountName=b;AccountKey=a2V5==;EndpointSuffix=core.example" },
    "https://b.blob.core.example",
    "",
  ],
  [
    { AZURE_STORAGE_CONNECTION_STRING: "UseDevelopmentStorage=true" },
    "http://127.0.0.1:10000/devstoreaccount1",
    "",
  ],
])("a storage account by Azure's conventions: %j", (env, endpoint, sas) => {
  expect(azureAccount(env, missing)).toMatchObject({ endpoint, sas });
});

test("the path that is signed for S3 is the path that is sent, for any name", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), (name) => {
      fc.pre(!name.split("/").some((part) => part === "." || part === ".."));
      const url = `https://bucket.s3.us-east-1.amazonaws.com/${encodeName(name)}`;
      const signer = new AwsV4Signer({
        url,
        accessKeyId: "a",
        secretAccessKey: "b",
        service: "s3",
        region: "r",
      });
      expect(signer.encodedPath).toBe(url.slice(url.indexOf("/", 8)));
    }),
    { seed: 6, numRuns: 500 },
  );
});

test.each([
  ["https://user:secret@host/a/b?sig=secret#secret", "https://host/a/b?(hidden)"],
  ["https://host/a", "https://host/a"],
  ["gs://bucket/a?b", "gs://bucket/a?b"],
  ["a/b?c", "a/b?c"],
])("of the path %s the part %s is shown", (path, shown) => {
  expect(printablePath(path)).toBe(shown);
});

test.each([
  "Bearer secret",
  "SharedKey account:secret",
  "AWS4-HMAC-SHA256 Credential=x, Signature=secret",
  "ya29.secret",
  '{"access_token": "secret"}',
  "upload_id=secret",
  "https://host/a?sig=secret",
  "https://user:secret@host/a",
  "AccountKey=secret;",
])("%s has nothing secret any more", (text) => {
  expect(withoutSecrets(`before ${text} after`)).not.toContain("secret");
});
