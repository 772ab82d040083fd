/** Everything that goes wrong in a run, by name. */
import { DICOM_FAULTS } from "./dicom-faults.ts";
import type { FaultKind } from "./fault.ts";
import { FHIR_FAULTS } from "./fhir-faults.ts";
import { REDIS_FAULTS } from "./redis-faults.ts";
import { WORKER_FAULTS } from "./worker-faults.ts";

export const FAULT_KINDS: Readonly<Record<string, FaultKind>> = {
  ...WORKER_FAULTS,
  ...REDIS_FAULTS,
  ...FHIR_FAULTS,
  ...DICOM_FAULTS,
};
