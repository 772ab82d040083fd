/** Access to one of the two services: its options, and what they become. */
import type { Option } from "./option.ts";

/** How studycast proves itself to one service. A discriminated union, complete by construction. */
export type AuthConfig =
  | { kind: "none" }
  | { kind: "bearer"; tokenFile: string }
  | { kind: "basic"; user: string; password: string }
  | { kind: "oauth2"; tokenUrl: string; clientId: string; clientSecret: string; scope: string | undefined }
  | { kind: "azure"; credential: AzureCredential; scope: string };

export type AzureCredential =
  | { kind: "default" }
  | { kind: "managed-identity"; clientId: string | undefined }
  | { kind: "workload-identity"; tenantId: string | undefined; clientId: string | undefined }
  | { kind: "client-secret"; tenantId: string; clientId: string; clientSecret: string }
  | { kind: "certificate"; tenantId: string; clientId: string; certificateFile: string };

const options = {
  AUTH: {
    kind: "choice",
    choices: ["none", "bearer", "basic", "oauth2", "azure"],
    group: "auth",
    default: "none",
    about:
      "How to log in: `bearer` (a token in a file, read again when it changes), `basic`, `oauth2` (client credentials), `azure` (Microsoft Entra ID).",
  },
  TOKEN_FILE: { kind: "path", group: "auth", about: "bearer: file with the token." },
  USER: { kind: "text", group: "auth", about: "basic: user." },
  PASSWORD: { kind: "text", group: "auth", secret: true, fileToo: true, about: "basic: password." },
  TOKEN_URL: { kind: "url", group: "auth", about: "oauth2: token endpoint." },
  CLIENT_ID: {
    kind: "text",
    group: "auth",
    about: "oauth2, azure: client id (managed identity: of a user-assigned one).",
  },
  CLIENT_SECRET: {
    kind: "text",
    group: "auth",
    secret: true,
    fileToo: true,
    about: "oauth2, azure with client-secret: client secret.",
  },
  SCOPE: {
    kind: "text",
    group: "auth",
    about:
      "oauth2, azure: scope. Default for azure: https://dicom.healthcareapis.azure.com/.default for DICOM, FHIR_URL's origin with /.default for FHIR.",
  },
  AZURE_CREDENTIAL: {
    kind: "choice",
    choices: ["default", "managed-identity", "workload-identity", "client-secret", "certificate"],
    group: "auth",
    default: "default",
    about:
      "azure: which credential; `default` tries environment, workload identity, managed identity and developer tools in turn.",
  },
  TENANT_ID: { kind: "text", group: "auth", about: "azure: tenant id." },
  CERTIFICATE_FILE: {
    kind: "path",
    group: "auth",
    about: "azure with certificate: PEM file with certificate and private key.",
  },
} as const satisfies Record<string, Option>;

type Prefixed<S extends string> = { [K in keyof typeof options as `${S}_${K}`]: (typeof options)[K] };

/** The auth options of one service: `DICOM_AUTH`, `DICOM_TOKEN_FILE`, … */
export function authOptions<S extends "DICOM" | "FHIR">(service: S): Prefixed<S> {
  return Object.fromEntries(Object.entries(options).map(([name, row]) => [`${service}_${name}`, row])) as Prefixed<S>;
}
