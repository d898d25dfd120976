import { AwsV4Signer } from "aws4fetch";
import { createHttpClient, type HttpClient } from "../http/http-client.js";
import type { HttpRequest } from "../http/http-exchange.js";
import type { ServiceTexts } from "../http/service-error.js";
import { encodeName } from "../object-store/object-place.js";
import type { Expected, ObjectPlace } from "../object-store/object-store.js";
import { xmlText } from "../object-store/xml-text.js";
import { s3AccessAdvice, s3Credentials } from "./s3-credentials.js";

/** What requests to S3 need: who sends them, and where to. */
export interface S3Connection {
  readonly http: HttpClient;
  /** The address of an object, or of a bucket for the name "". */
  readonly url: (place: ObjectPlace) => string;
}

const texts: ServiceTexts = {
  service: "S3",
  accessAdvice: s3AccessAdvice,
  messageOf(body) {
    const code = xmlText(body, "Code");
    const message = xmlText(body, "Message");
    return [code, message].filter((part) => part !== undefined && part !== "").join(": ");
  },
};

/** What a request must find at its place. */
export function conditions(expected: Expected | undefined): Record<string, string> {
  if (!expected) return {};
  return "absent" in expected ? { "if-none-match": "*" } : { "if-match": expected.version };
}

/** As the user writes it. */
export function s3Path({ bucket, name }: ObjectPlace): string {
  return name === "" ? `s3://${bucket}` : `s3://${bucket}/${name}`;
}

/**
 * Requests to AWS, or to the service that AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL names (a bucket is a part of the path there). A bucket's region is AWS_REGION or
 * AWS_DEFAULT_REGION, until S3 names another one.
 */
export function s3Connection(env: NodeJS.ProcessEnv): S3Connection {
  const endpoint = setting(env, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL").replace(/\/+$/, "");
  const firstRegion = setting(env, "AWS_REGION", "AWS_DEFAULT_REGION") || "us-east-1";
  const regions = new Map<string, string>();
  const credentials = s3Credentials(env);

  const url = ({ bucket, name }: ObjectPlace): string => {
    if (endpoint !== "") return `${endpoint}/${bucket}/${encodeName(name)}`;
    const host = `s3.${regions.get(bucket) ?? firstRegion}.amazonaws.com`;
    // The certificate holds for one label before the region.
    return bucket.includes(".")
      ? `https://${host}/${bucket}/${encodeName(name)}`
      : `https://${bucket}.${host}/${encodeName(name)}`;
  };
  const bucketOf = (address: string): string => {
    const { hostname, pathname } = new URL(address);
    const inHost = /^(.+)\.s3\.[^.]+\.amazonaws\.com$/.exec(hostname)?.[1];
    return endpoint === "" && inHost !== undefined
      ? inHost
      : pathname.slice(endpoint === "" ? 1 : new URL(`${endpoint}/`).pathname.length).split("/")[0]!;
  };

  const authorize = async (request: HttpRequest): Promise<HttpRequest> => {
    const bucket = bucketOf(request.url);
    const region = regions.get(bucket) ?? firstRegion;
    const address =
      endpoint === "" ? request.url.replace(/(\bs3\.)[^.]+(\.amazonaws\.com)/, `$1${region}$2`) : request.url;
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
    const signer = new AwsV4Signer({
      method: request.method,
      url: address,
      headers: { ...request.headers },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: "s3",
      region,
    });
    const { headers } = await signer.sign();
    return { ...request, url: address, headers: Object.fromEntries(headers) };
  };

  const http = createHttpClient({
    texts,
    authorize,
    // Copies and the ends of uploads answer with 200 before they are done, and with an error in the body when they fail.
    mayPass: (status, body) =>
      status === 200 &&
      body.length < 1 << 16 &&
      /^\s*(<\?xml[^>]*>\s*)?<Error>/.test(body.toString("latin1", 0, 256)),
    onRefusal({ status, headers }, { url: address }) {
      const region = headers["x-amz-bucket-region"];
      const bucket = bucketOf(address);
      if (![301, 307, 400, 403].includes(status) || typeof region !== "string") return false;
      if (
        endpoint !== "" ||
        !/^[a-z0-9-]{1,40}$/.test(region) ||
        region === (regions.get(bucket) ?? firstRegion)
      )
        return false;
      regions.set(bucket, region);
      return true;
    },
  });
  return { http, url };
}

/** The first of these that is set to something. */
function setting(env: NodeJS.ProcessEnv, ...names: readonly string[]): string {
  return names.map((name) => env[name]).find((value) => value !== undefined && value !== "") ?? "";
}
