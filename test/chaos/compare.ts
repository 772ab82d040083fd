/** Compares the FHIR server of a disturbed run with that of an undisturbed one. */
import type { FhirResource, Identifier } from "fhir/r4";

type Resources = ReadonlyMap<string, FhirResource>;

/** Says in one line each what differs; nothing when all is well. Names resources by type and id. */
export function differences(found: Resources, wanted: Resources, patientIdSystem: string): string[] {
  return [...unequal(found, wanted, patientIdSystem), ...duplicates(found)];
}

/** Resources that are not byte for byte what they were; the server's own version and time count too. */
export function touched(before: Resources, after: Resources, names: readonly string[]): string[] {
  const text = (resource: FhirResource | undefined) => JSON.stringify(resource);
  return names
    .filter((name) => text(before.get(name)) !== text(after.get(name)))
    .map((name) => `${name} belongs to others and was changed`);
}

function unequal(found: Resources, wanted: Resources, patientIdSystem: string): string[] {
  const lines: string[] = [];
  for (const [name, resource] of wanted) {
    const other = found.get(name);
    if (other === undefined) lines.push(`${name} is missing`);
    else if (content(other) !== content(resource)) lines.push(`${name} differs: ${firstDifference(other, resource)}`);
  }
  for (const [name, resource] of found) {
    if (wanted.has(name)) continue;
    // A patient whose only study was moved on: a Patient that was made in between stays, as Patients are never deleted.
    const left = resource.resourceType === "Patient" && hasSystem(resource.identifier, patientIdSystem);
    if (!left) lines.push(`${name} should not be there`);
  }
  return lines;
}

const hasSystem = (identifiers: readonly Identifier[] | undefined, wanted: string) =>
  identifiers?.some(({ system }) => system === wanted) ?? false;

/** What counts: everything but what the server adds, and, for Patients, which of their studies named them last (that depends on when who was read). */
function content(resource: FhirResource): string {
  const { meta, ...rest } = resource;
  if (rest.resourceType === "Patient") delete rest.extension;
  return canonical({ ...rest, tag: meta?.tag });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function firstDifference(a: FhirResource, b: FhirResource): string {
  const [left, right] = [content(a), content(b)];
  let at = 0;
  while (left[at] === right[at]) at++;
  const around = (text: string) => text.slice(Math.max(0, at - 60), at + 80);
  return `${around(left)} instead of ${around(right)}`;
}

function duplicates(found: Resources): string[] {
  const names = new Map<string, string[]>();
  for (const [name, resource] of found) {
    if (resource.resourceType !== "Patient" && resource.resourceType !== "ImagingStudy") continue;
    for (const { system, value } of resource.identifier ?? []) {
      if (resource.resourceType === "ImagingStudy" && system !== "urn:dicom:uid" && system !== "urn:ietf:rfc:3986")
        continue;
      const key = `${resource.resourceType} ${system} ${value}`;
      names.set(key, [...(names.get(key) ?? []), name]);
    }
  }
  return [...names.values()].filter((list) => list.length > 1).map((list) => `one identifier, two resources: ${list}`);
}
