/** The FHIR server: look up what it holds, plan what differs (pure), write it under conditions. */
export { carryOut, type Outcome, type WriteLimits } from "./carry-out.ts";
export { checkServer, type WantedVersion } from "./check-server.ts";
export { createFhirClient, type FhirClient, type FhirClientOptions } from "./client.ts";
export { endpointExists, ensureEndpoints, probe } from "./endpoint.ts";
export { lookUpBoth } from "./look-up.ts";
export { type FoundReferred, lookUpPatient, lookUpReferred } from "./look-up-patient.ts";
export { lookUpStudy } from "./look-up-study.ts";
export { ownedStudies } from "./owned-studies.ts";
export type { Found, FoundPatient, FoundStudy, Plan, Write, WritePolicy } from "./plan.ts";
export { planRemoval } from "./plan-removal.ts";
export { planStudy } from "./plan-study.ts";
