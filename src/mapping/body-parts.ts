import type { Coding } from "fhir/r4";
export function bodyPartCoding(_term: string): Coding | undefined {
  return undefined;
}
export function fromSnomedRt(_code: string): Coding | undefined {
  return undefined;
}
