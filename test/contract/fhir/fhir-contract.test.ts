import { afterAll, beforeAll } from "@jest/globals";
import { type FhirEmulator, startFhirEmulator } from "../../../emulators/fhir/index.ts";
import { type Hapi, startHapi } from "../../support/hapi.ts";
import { describeFhirContract } from "./battery.ts";

/**
 * Another server to hold to the contract: a base URL, or `hapi` or `hapi-r5` to start a real HAPI FHIR server.
 * `FHIR_CONTRACT_READING` (`hapi` by default, or `strict`) says how it answers conditions.
 */
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
    hapi ? "hapi" : "strict",
  );
}

if (other !== undefined) {
  const reading = process.env["FHIR_CONTRACT_READING"] === "strict" ? "strict" : "hapi";
  const startsHapi = other === "hapi" || other === "hapi-r5";
  let hapi: Hapi | null = null;
  beforeAll(async () => {
    if (startsHapi) hapi = await startHapi({ fhir: other === "hapi-r5" ? "r5" : "r4" });
  }, 300_000);
  afterAll(() => hapi?.stop());
  describeFhirContract(`server ${other}`, () => hapi?.url ?? other.replace(/\/$/, ""), reading);
}
