import type * as providers from "@aws-sdk/credential-provider-node";
import { SnapshotError } from "../../../snapshot/index.js";
import { withoutSecrets } from "../printable-path.js";

/** What requests are signed with. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The part of @aws-sdk/credential-provider-node that is used. */
export type CredentialLibrary = Pick<typeof providers, "defaultProvider">;

/** What to do when S3 says no. */
export const s3AccessAdvice =
  "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and that they may read, list and write in the bucket (s3:GetObject, s3:ListBucket, s3:PutObject, s3:DeleteObject).";

/**
 * Credentials by AWS's conventions: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; everything else (AWS_PROFILE and the shared files, SSO, web identity,
 * containers, instances) by AWS's own library, an optional peer dependency that is loaded when it is needed, and renews what ends.
 * @throws each call: SnapshotError FILE_ACCESS_DENIED when there are none; nothing of them is in it
 */
export function s3Credentials(
  env: NodeJS.ProcessEnv = process.env,
  load: () => Promise<CredentialLibrary> = () => import("@aws-sdk/credential-provider-node"),
): () => Promise<S3Credentials> {
  let provider: Promise<() => Promise<S3Credentials>> | undefined;
  return async () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
    // A profile that is named comes first, as in AWS's own tools.
    if (accessKeyId && secretAccessKey && !env.AWS_PROFILE)
      return {
        accessKeyId,
        secretAccessKey,
        sessionToken: env.AWS_SESSION_TOKEN === "" ? undefined : env.AWS_SESSION_TOKEN,
      };
    provider ??= loadProvider(load);
    const provide = await provider;
    try {
      return await provide();
    } catch (error) {
      const reason = withoutSecrets((error as Error).message).replace(/\.$/, "");
      throw new SnapshotError(
        "FILE_ACCESS_DENIED",
        `This machine has no valid credentials for S3: ${reason}. ${s3AccessAdvice}`,
      );
    }
  };
}

async function loadProvider(load: () => Promise<CredentialLibrary>): Promise<() => Promise<S3Credentials>> {
  try {
    return (await load()).defaultProvider();
  } catch (cause) {
    throw new SnapshotError(
      "FILE_ACCESS_DENIED",
      "There are no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and other credentials for paths of the form s3:// need the package @aws-sdk/credential-provider-node. Set them, or install it with: npm install @aws-sdk/credential-provider-node@3",
      { cause },
    );
  }
}
