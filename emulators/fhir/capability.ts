import type { CapabilityStatement } from "@medplum/fhirtypes";
import type { Rules } from "./rules.ts";

const TYPES = ["Patient", "ImagingStudy", "Endpoint", "ServiceRequest", "Observation", "DocumentReference"] as const;
const SEARCH_PARAMETERS = {
  _id: "token",
  _tag: "token",
  identifier: "token",
  subject: "reference",
  patient: "reference",
  endpoint: "reference",
} as const;
const INSTANCE = ["read", "vread", "update", "patch", "delete", "history-instance", "create", "search-type"] as const;

/** `GET metadata`: what a client may rely on (capabilitystatement.html), much shorter than a real server's. */
export function capabilityStatement(rules: Rules, base: string): CapabilityStatement {
  return {
    resourceType: "CapabilityStatement",
    status: "active",
    date: "2026-01-01",
    kind: "instance",
    software: { name: rules.entryForm === "hapi" ? "HAPI FHIR Server" : "studycast FHIR emulator" },
    implementation: { description: "studycast FHIR emulator", url: base },
    // An R5 server is imitated for start-up checks only; the type knows R4.
    fhirVersion: rules.fhirVersion as "4.0.1",
    format: ["application/fhir+json", "json"],
    rest: [
      {
        mode: "server",
        interaction: [{ code: "transaction" }, rules.namesAbilities ? { code: "batch" } : { code: "history-system" }],
        resource: TYPES.map((type) => ({
          type,
          interaction: INSTANCE.map((code) => ({ code })),
          versioning: "versioned-update",
          readHistory: true,
          ...(rules.namesAbilities || !rules.updateCreate ? { updateCreate: rules.updateCreate } : {}),
          conditionalCreate: true,
          conditionalUpdate: true,
          conditionalDelete: "single",
          searchParam: Object.entries(SEARCH_PARAMETERS)
            .filter(
              ([name, kind]) =>
                kind === "token" || type === "ImagingStudy" || (type === "Observation" && name !== "endpoint"),
            )
            .map(([name, type]) => ({ name, type })),
        })),
      },
    ],
  };
}
