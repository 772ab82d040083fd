/**
 * Walks over the JSON of a resource: which references it holds, what FHIR's JSON format forbids, and the rewriting of
 * references inside a transaction (FHIR R4 http.html §3.1.0.11.2). HAPI rewrites references and uri-valued elements of
 * extensions, never `identifier.value` or text.
 */
const URI_KEYS: ReadonlySet<string> = new Set(["reference", "valueUri", "valueUrl", "valueUuid", "valueOid"]);

/** Every literal `reference` in the resource, extensions and notes left out (a server follows only search parameters). */
export function referencesIn(value: unknown, found: string[] = []): string[] {
  if (Array.isArray(value)) {
    for (const item of value) referencesIn(item, found);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === "reference" && typeof item === "string") found.push(item);
      else if (typeof item === "object" && key !== "extension" && key !== "note" && key !== "contained") {
        referencesIn(item, found);
      }
    }
  }
  return found;
}

/** Path of the first null, empty string, empty list or empty object (json.html: none of them may appear). */
export function firstEmpty(value: unknown, path: string): string | undefined {
  if (value === "") return path;
  if (typeof value !== "object") return undefined;
  if (value === null) return path;
  const items = Array.isArray(value) ? value.entries() : Object.entries(value);
  let size = 0;
  for (const [key, item] of items) {
    size += 1;
    // Primitive lists may hold null beside their `_element` twin.
    if (item === null && Array.isArray(value)) continue;
    if (typeof item === "object" || item === "") {
      const found = firstEmpty(item, `${path}.${key}`);
      if (found !== undefined) return found;
    }
  }
  return size === 0 ? path : undefined;
}

/** Rewrites, in place, every reference and uri-valued element by `rewrite` (undefined: leave it). */
export function rewriteReferences(value: unknown, rewrite: (reference: string) => string | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) rewriteReferences(item, rewrite);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const object = value as Record<string, unknown>;
  for (const key in object) {
    const item = object[key];
    if (typeof item === "string") {
      if (URI_KEYS.has(key)) object[key] = rewrite(item) ?? item;
    } else if (typeof item === "object") rewriteReferences(item, rewrite);
  }
}

const LITERAL = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/.+)?$/;

/** `Type/id` of a relative literal reference; undefined for anything else. */
export function literalTarget(reference: string): string | undefined {
  const match = LITERAL.exec(reference);
  return match ? `${match[1]}/${match[2]}` : undefined;
}

/** Types each reference of the resources studycast writes may point to (R4); HAPI answers others with 422. */
export const ALLOWED_TARGETS: Readonly<Record<string, ReadonlySet<string>>> = {
  "ImagingStudy.subject": new Set(["Patient", "Device", "Group"]),
  "ImagingStudy.endpoint": new Set(["Endpoint"]),
  "ImagingStudy.basedOn": new Set(["CarePlan", "ServiceRequest", "Appointment", "AppointmentResponse", "Task"]),
  "ImagingStudy.referrer": new Set(["Practitioner", "PractitionerRole"]),
  "Patient.managingOrganization": new Set(["Organization"]),
  "Endpoint.managingOrganization": new Set(["Organization"]),
};
