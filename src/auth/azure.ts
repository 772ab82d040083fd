/** Tokens of Microsoft Entra ID by @azure/identity. */
import type { AuthConfig, AzureCredential } from "../config.ts";
import { StudycastError } from "../errors.ts";
import type { Token } from "./authorize.ts";

type AzureConfig = Extract<AuthConfig, { kind: "azure" }>;
type Identity = typeof import("@azure/identity");
type TokenCredential = import("@azure/identity").TokenCredential;

const credentials = new WeakMap<AzureConfig, TokenCredential>();

/** @throws StudycastError AUTH_FAILED; the library's text is not passed on, it quotes tenants, addresses and server answers */
export async function fetchAzureToken(config: AzureConfig, service: string, signal: AbortSignal): Promise<Token> {
  try {
    // Loaded only here: it takes half a second and 35 MB, and most installations do not use it.
    const identity = await import("@azure/identity");
    const credential = credentials.get(config) ?? createCredential(identity, config.credential);
    credentials.set(config, credential);
    const token = await credential.getToken(config.scope, { abortSignal: signal });
    if (token === null) throw new Error("no token");
    return { value: token.token, endsAtMs: token.expiresOnTimestamp };
  } catch (cause) {
    throw new StudycastError(
      "AUTH_FAILED",
      { service, credential: config.credential.kind, ...statusOf(cause) },
      { cause },
    );
  }
}

function createCredential(identity: Identity, chosen: AzureCredential): TokenCredential {
  switch (chosen.kind) {
    case "default":
      return new identity.DefaultAzureCredential();
    case "managed-identity":
      return chosen.clientId === undefined
        ? new identity.ManagedIdentityCredential()
        : new identity.ManagedIdentityCredential({ clientId: chosen.clientId });
    case "workload-identity":
      return new identity.WorkloadIdentityCredential({
        ...(chosen.tenantId === undefined ? {} : { tenantId: chosen.tenantId }),
        ...(chosen.clientId === undefined ? {} : { clientId: chosen.clientId }),
      });
    case "client-secret":
      return new identity.ClientSecretCredential(chosen.tenantId, chosen.clientId, chosen.clientSecret);
    case "certificate":
      return new identity.ClientCertificateCredential(chosen.tenantId, chosen.clientId, chosen.certificateFile);
  }
}

/** The HTTP status of an AuthenticationError, when there is one. */
function statusOf(thrown: unknown): { status?: number } {
  const status =
    typeof thrown === "object" && thrown !== null && "statusCode" in thrown ? thrown.statusCode : undefined;
  return typeof status === "number" ? { status } : {};
}
