/** The worker's configuration in the demo: what an operator would set for these two services, with short waits. */
import { ISSUER_SYSTEMS } from "../../emulators/samples/index.ts";
import { type Config, problemText, resolveConfig } from "../../src/config.ts";
import { StudycastError } from "../../src/errors.ts";

/** @throws StudycastError CONFIG_INVALID */
export function demoConfig(dicomUrl: string, fhirUrl: string): Config {
  const resolved = resolveConfig({
    flags: {
      DICOM_URL: dicomUrl,
      FHIR_URL: fhirUrl,
      SOURCE_ID: "demo",
      PATIENT_ID_SYSTEM: "urn:example:hospital:patient-id",
      ISSUER_SYSTEMS: JSON.stringify(ISSUER_SYSTEMS),
      ACCESSION_SYSTEM: "urn:example:hospital:accession",
      TIME_ZONE: "Europe/Berlin",
      HTTP_PORT: "0",
      POLL_MIN_MS: "50",
      POLL_MAX_MS: "250",
      LATEST_MS: "1000",
      SETTLE_MIN_MS: "50",
      SETTLE_MAX_MS: "1000",
      BACKOFF_CAP_MS: "2000",
    },
    env: {},
    file: undefined,
    readFile: () => "",
  });
  if (resolved.ok) return resolved.config;
  throw new StudycastError("CONFIG_INVALID", { problems: resolved.problems.map(problemText) });
}
