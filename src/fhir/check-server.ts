/** Whether the server can do what the worker relies on, by its CapabilityStatement, before anything is written. */
import { StudycastError } from "../errors.ts";
import type { FhirVersion } from "../mapping/index.ts";
import { CUT_OFF, type FhirClient } from "./client.ts";
import { type Json, recordsOf, textOf } from "./json.ts";

/** What the option says: by the server's own word, or in spite of it. */
export type WantedVersion = FhirVersion | "auto";

/**
 * @returns the version of FHIR to speak: R4 for 4.0 and 4.3 (R4B, whose elements we write are R4's), R5 for 5.0
 * @throws StudycastError FHIR_NOT_FHIR, FHIR_VERSION, FHIR_NO_UPDATE_CREATE, FHIR_NO_TRANSACTION; FHIR_UNAVAILABLE and the like when nothing can be said yet
 */
export async function checkServer(
  client: FhirClient,
  wanted: WantedVersion,
  signal: AbortSignal,
): Promise<FhirVersion> {
  const statement = await capability(client, signal);
  if (statement["resourceType"] !== "CapabilityStatement") throw new StudycastError("FHIR_NOT_FHIR");
  const version = wanted === "auto" ? versionOf(textOf(statement["fhirVersion"]) ?? "") : wanted;
  const server = recordsOf(statement["rest"]).find((rest) => (rest["mode"] ?? "server") === "server") ?? {};
  const transactions = recordsOf(server["interaction"]).some(({ code }) => code === "transaction");
  if (!transactions) throw new StudycastError("FHIR_NO_TRANSACTION");
  const ours = recordsOf(server["resource"]).filter(({ type }) => type === "ImagingStudy" || type === "Patient");
  if (ours.some((resource) => resource["updateCreate"] === false)) throw new StudycastError("FHIR_NO_UPDATE_CREATE");
  return version;
}

function versionOf(stated: string): FhirVersion {
  if (/^4\.[03](\.|$)/.test(stated)) return "R4";
  if (/^5\.0(\.|$)/.test(stated)) return "R5";
  throw new StudycastError("FHIR_VERSION", { version: /^[\w.-]{1,20}$/.test(stated) ? stated : "unknown" });
}

async function capability(client: FhirClient, signal: AbortSignal): Promise<Json> {
  try {
    return await client.capability(signal);
  } catch (error) {
    if (!(error instanceof StudycastError)) throw error;
    const { code, detail } = error;
    const elsewhere = code === "FHIR_REJECTED" || (code === "FHIR_RESPONSE" && detail["reason"] !== CUT_OFF);
    throw elsewhere ? new StudycastError("FHIR_NOT_FHIR", detail) : error;
  }
}
