import type { Coding } from "fhir/r4";

export const SNOMED = "http://snomed.info/sct";

/** Values of (0020,0060), (0020,0062), (0020,9072) by PS3.16 CID 244. */
const LATERALITY = {
  L: { code: "7771000", display: "Left" },
  R: { code: "24028007", display: "Right" },
  B: { code: "51440002", display: "Right and left" },
  U: { code: "66459002", display: "Unilateral" },
} as const;

export type Side = keyof typeof LATERALITY;

export function isSide(value: string): value is Side {
  return Object.hasOwn(LATERALITY, value);
}

export function lateralityCoding(side: Side): Coding {
  return { system: SNOMED, ...LATERALITY[side] };
}

/** Several sides of one thing: left with right, or anything with both, is both. */
export function joinSides(sides: ReadonlySet<Side>): Side | undefined {
  if (sides.has("B") || (sides.has("L") && sides.has("R"))) return "B";
  return sides.has("L") ? "L" : sides.has("R") ? "R" : sides.has("U") ? "U" : undefined;
}
