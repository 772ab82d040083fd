import { afterAll, beforeAll } from "@jest/globals";
import { type FhirEmulator, startFhirEmulator } from "../../../emulators/fhir/index.ts";
import { describeFhirContract } from "./battery.ts";

/** Another server to hold to the contract; `FHIR_CONTRACT_READING` (default hapi) says how it answers conditions. */
const other = process.env["FHIR_CONTRACT_URL"];

for (const hapi of [false, true]) {
  let emulator: FhirEmulator;
  beforeAll(async () => {
    emulator = await startFhirEmulator({ hapi });
  });
  afterAll(() => emulator.close());
  describeFhirContract(
    hapi ? "emulator, HAPI switch" : "emulator, strict",
    () => emulator.url,
    () => (hapi ? "hapi" : "strict"),
  );
}

if (other !== undefined) {
  const reading = process.env["FHIR_CONTRACT_READING"] === "strict" ? "strict" : "hapi";
  describeFhirContract(
    `server ${other}`,
    () => other.replace(/\/$/, ""),
    () => reading,
  );
}
