/** Whether the server can do what the worker relies on, by its CapabilityStatement, before anything is written. */
import { StudycastError } from "../errors.ts";
import type { FhirClient } from "./client.ts";
import { type Json, recordsOf, textOf } from "./json.ts";

/**
 * @throws StudycastError FHIR_NOT_FHIR, FHIR_VERSION, FHIR_NO_UPDATE_CREATE, FHIR_NO_TRANSACTION; FHIR_UNAVAILABLE and the like when nothing can be said yet
 */
export async function checkServer(client: FhirClient, signal: AbortSignal): Promise<void> {
  const statement = await capability(client, signal);
  if (statement["resourceType"] !== "CapabilityStatement") throw new StudycastError("FHIR_NOT_FHIR");
  const version = textOf(statement["fhirVersion"]) ?? "";
  if (!version.startsWith("4.0"))
    throw new StudycastError("FHIR_VERSION", { version: /^[\w.-]{1,20}$/.test(version) ? version : "unknown" });
  const server = recordsOf(statement["rest"]).find((rest) => (rest["mode"] ?? "server") === "server") ?? {};
  const transactions = recordsOf(server["interaction"]).some(({ code }) => code === "transaction");
  if (!transactions) throw new StudycastError("FHIR_NO_TRANSACTION");
  const ours = recordsOf(server["resource"]).filter(({ type }) => type === "ImagingStudy" || type === "Patient");
  if (ours.some((resource) => resource["updateCreate"] === false)) throw new StudycastError("FHIR_NO_UPDATE_CREATE");
}

async function capability(client: FhirClient, signal: AbortSignal): Promise<Json> {
  try {
    return await client.capability(signal);
  } catch (error) {
    const elsewhere =
      error instanceof StudycastError && (error.code === "FHIR_RESPONSE" || error.code === "FHIR_REJECTED");
    throw elsewhere ? new StudycastError("FHIR_NOT_FHIR", error.detail) : error;
  }
}
