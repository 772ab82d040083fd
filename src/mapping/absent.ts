import type { Coding } from "fhir/r4";
import { DATA_ABSENT_URL } from "./identity.ts";

/** A required Coding (R5: concept) that the source does not have. */
export function absentCoding(): Coding {
  return { extension: [{ url: DATA_ABSENT_URL, valueCode: "unknown" }] };
}
