/** Rules over the values of several options. Each gives the problems it finds; none throws. */
import type { AuthConfig, AzureCredential } from "./auth-options.ts";
import { maskUrl } from "./mask.ts";

export type Problem = {
  /** Name of the option, or of the unknown key. */
  field: string;
  /** Where the value came from; undefined when it is missing. */
  from?: "flag" | "env" | "file";
  /** The value as it may be shown. */
  value?: string;
  /** What is expected, to be read after "expected". */
  expected: string;
};

export type Values = Readonly<Record<string, unknown>>;

/**
 * `start` needs the services and the identity options; `state` commands need only Redis and the source; `dicom` ones the mapping and the DICOM service;
 * `offline` ones only the mapping.
 */
export type Purpose = "start" | "state" | "dicom" | "offline";

export function ruleProblems(values: Values, purpose: Purpose): Problem[] {
  const urls = [...dicomUrlProblems(values), ...fhirUrlProblems(values)];
  if (purpose === "offline") return [];
  if (purpose === "state") return urls;
  if (purpose === "dicom") return [...required(values, ["DICOM_URL"]), ...dicomUrlProblems(values)];
  return [
    ...required(values, ["DICOM_URL", "FHIR_URL"]),
    ...urls,
    ...identityProblems(values),
    ...httpProblems(values),
    ...profileProblems(values),
    ...orderProblems(values),
  ];
}

const text = (values: Values, name: string): string | undefined => {
  const value = values[name];
  return typeof value === "string" && value !== "" ? value : undefined;
};

const REQUIRED = { DICOM_URL: "the root URL of the DICOM service", FHIR_URL: "the base URL of the FHIR server" };

function required(values: Values, fields: readonly (keyof typeof REQUIRED)[]): Problem[] {
  return fields
    .filter((field) => text(values, field) === undefined)
    .map((field) => ({ field, expected: REQUIRED[field] }));
}

/** A path too much would send every request to a place that answers 404, or worse, to another partition. */
function dicomUrlProblems(values: Values): Problem[] {
  const url = text(values, "DICOM_URL");
  const segments = url === undefined ? [] : new URL(url).pathname.toLowerCase().split("/").filter(Boolean);
  const tooMuch = segments.find((part) =>
    /^v\d+(\.\d+)?(-\w+)?$|^(studies|changefeed|partitions|series|instances)$/.test(part),
  );
  if (url === undefined || tooMuch === undefined) return [];
  return [
    { field: "DICOM_URL", value: maskUrl(url), expected: `the service's root, without /${tooMuch} and what follows` },
  ];
}

function fhirUrlProblems(values: Values): Problem[] {
  const url = text(values, "FHIR_URL");
  const last = url === undefined ? "" : (new URL(url).pathname.split("/").findLast(Boolean) ?? "");
  if (url === undefined || !/^(metadata|Patient|ImagingStudy|Endpoint)$/.test(last)) return [];
  return [{ field: "FHIR_URL", value: maskUrl(url), expected: `the server's base, without /${last}` }];
}

/** Without an identifier system two hospitals' patient 123 would be one person. */
function identityProblems(values: Values): Problem[] {
  const systems = values["ISSUER_SYSTEMS"];
  const known = typeof systems === "object" && systems !== null && Object.keys(systems).length > 0;
  if (known || text(values, "PATIENT_ID_SYSTEM") !== undefined) return [];
  const expected =
    "the identifier system of the patient IDs (such as https://hospital.example/mrn), or ISSUER_SYSTEMS with one per issuer; without it patients cannot be told apart";
  return [{ field: "PATIENT_ID_SYSTEM", expected }];
}

/** Profiles whose demands the configuration decides: a study could never claim them. */
function profileProblems(values: Values): Problem[] {
  const asked = new Set(Array.isArray(values["PROFILES"]) ? values["PROFILES"] : []);
  const problems: Problem[] = [];
  if (asked.has("ihe-mado") && asked.has("ihe-imr"))
    problems.push({
      field: "PROFILES",
      value: "ihe-imr,ihe-mado",
      expected: "one of ihe-imr and ihe-mado: they demand different forms of the Endpoint",
    });
  if (asked.has("ihe-imr") && values["QIDO_ENDPOINT"] === "yes")
    problems.push({
      field: "QIDO_ENDPOINT",
      value: "yes",
      expected: "no: the profile ihe-imr lets a study refer to endpoints of WADO-RS and IID only",
    });
  if (asked.has("ihe-mado") && text(values, "RETRIEVE_LOCATION_UID") === undefined)
    problems.push({
      field: "RETRIEVE_LOCATION_UID",
      expected: "the Retrieve Location UID of the DICOM service, which the profile ihe-mado demands",
    });
  return problems;
}

/** Whether an address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function httpProblems(values: Values): Problem[] {
  const host = text(values, "HTTP_HOST") ?? "";
  const password = text(values, "HTTP_PASSWORD");
  const problems: Problem[] = [];
  if (password === undefined && !isLoopback(host))
    problems.push({
      field: "HTTP_PASSWORD",
      expected: `a password (or HTTP_PASSWORD_FILE), because HTTP_HOST ${host} can be reached from other machines`,
    });
  if (password === undefined && values["METRICS"] === "password")
    problems.push({
      field: "HTTP_PASSWORD",
      expected: "a password (or HTTP_PASSWORD_FILE), because METRICS is `password`",
    });
  if (text(values, "HTTP_USER")?.includes(":"))
    problems.push({ field: "HTTP_USER", expected: "a user name without a colon" });
  return problems;
}

/** A pair whose second is never smaller than its first. */
const ORDERED = [
  ["POLL_MIN_MS", "POLL_MAX_MS"],
  ["SETTLE_MIN_MS", "SETTLE_MAX_MS"],
  ["LOW_PENDING_MAX", "PENDING_MAX"],
] as const;

function orderProblems(values: Values): Problem[] {
  return ORDERED.filter(([low, high]) => Number(values[low]) > Number(values[high])).map(([low, high]) => ({
    field: high,
    value: String(values[high]),
    expected: `at least ${low} (${String(values[low])})`,
  }));
}

/** The auth options of one service as one value, or what is missing. */
export function authConfig(values: Values, service: "DICOM" | "FHIR"): AuthConfig | Problem[] {
  const get = (name: string) => text(values, `${service}_${name}`);
  const kind = get("AUTH") ?? "none";
  const missing: Problem[] = [];
  const need = (name: string, forWhat = `${service}_AUTH is ${kind}`): string => {
    const value = get(name);
    if (value === undefined) missing.push({ field: `${service}_${name}`, expected: `a value, because ${forWhat}` });
    return value ?? "";
  };
  const built = buildAuth(kind, need, get, values, service);
  return missing.length > 0 ? missing : built;
}

type Get = (name: string) => string | undefined;
type Need = (name: string, forWhat?: string) => string;

function buildAuth(kind: string, need: Need, get: Get, values: Values, service: string): AuthConfig {
  if (kind === "bearer") return { kind, tokenFile: need("TOKEN_FILE") };
  if (kind === "basic") return { kind, user: need("USER"), password: need("PASSWORD") };
  if (kind === "oauth2") {
    const [tokenUrl, clientId, clientSecret] = [need("TOKEN_URL"), need("CLIENT_ID"), need("CLIENT_SECRET")];
    return { kind, tokenUrl, clientId, clientSecret, scope: get("SCOPE") };
  }
  if (kind !== "azure") return { kind: "none" };
  return { kind, credential: azureCredential(need, get, service), scope: get("SCOPE") ?? azureScope(values, service) };
}

/** Audiences of Azure Health Data Services: one for all DICOM services, the endpoint itself for FHIR (learn.microsoft.com, "Get access token"). */
function azureScope(values: Values, service: string): string {
  if (service === "DICOM") return "https://dicom.healthcareapis.azure.com/.default";
  const origin = URL.parse(text(values, "FHIR_URL") ?? "")?.origin ?? "";
  return `${origin}/.default`;
}

function azureCredential(need: Need, get: Get, service: string): AzureCredential {
  const kind = get("AZURE_CREDENTIAL") ?? "default";
  const why = `${service}_AZURE_CREDENTIAL is ${kind}`;
  if (kind === "managed-identity") return { kind, clientId: get("CLIENT_ID") };
  if (kind === "workload-identity") return { kind, tenantId: get("TENANT_ID"), clientId: get("CLIENT_ID") };
  if (kind !== "client-secret" && kind !== "certificate") return { kind: "default" };
  const [tenantId, clientId] = [need("TENANT_ID", why), need("CLIENT_ID", why)];
  if (kind === "client-secret") return { kind, tenantId, clientId, clientSecret: need("CLIENT_SECRET", why) };
  return { kind, tenantId, clientId, certificateFile: need("CERTIFICATE_FILE", why) };
}
