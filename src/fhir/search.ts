/** Searching by identifier: values escaped, all pages read, every hit checked exactly. */
import { StudycastError } from "../errors.ts";
import { matchesOf, nextLink } from "./bundle.ts";
import type { FhirClient } from "./client.ts";
import { isRecord, type Json, recordsOf } from "./json.ts";
import type { Found } from "./plan.ts";

export type Token = { system: string; value: string };

/** More pages than any sane answer to an identifier has; a server whose next links go in a circle must not hold a sync for ever. */
const MAX_PAGES = 50;

/** A search value (FHIR R4 search.html#escaping): backslash, comma, dollar and bar are escaped with a backslash. Not URL-encoded yet. */
export function escapeSearchValue(value: string): string {
  return value.replaceAll(/[\\,$|]/g, (character) => `\\${character}`);
}

/** `identifier=system|value`, escaped and URL-encoded. */
export function identifierQuery({ system, value }: Token): string {
  return `identifier=${encodeURIComponent(`${escapeSearchValue(system)}|${escapeSearchValue(value)}`)}`;
}

/** Whether a resource carries exactly this identifier: servers compare without case, trim, or match what was meant to be escaped. */
export function hasIdentifier(resource: Json, { system, value }: Token): boolean {
  return recordsOf(resource["identifier"]).some((item) => item["system"] === system && item["value"] === value);
}

/**
 * The resources of all pages of a search, each once, whose identifier is exactly the one asked for.
 * @throws StudycastError FHIR_RESPONSE for a body that is no searchset, or for paging without end.
 */
export async function exactMatches(
  client: FhirClient,
  firstPage: Json,
  type: string,
  token: Token,
  signal: AbortSignal,
): Promise<Found[]> {
  const found = new Map<string, Found>();
  let page = firstPage;
  for (let pages = 1; ; pages++) {
    for (const match of matchesOf(page, type)) if (hasIdentifier(match, token)) found.set(match.id, whole(match));
    const link = nextLink(page);
    if (link === undefined) return [...found.values()];
    if (pages >= MAX_PAGES) throw new StudycastError("FHIR_RESPONSE", { pages });
    page = await client.follow(link, signal);
  }
}

/**
 * The resource as it is, unless the server gave only a part of it (tag SUBSETTED): written back, that would erase the rest.
 * @throws StudycastError FHIR_RESPONSE
 */
export function whole(resource: Found): Found {
  const tags = isRecord(resource["meta"]) ? recordsOf(resource["meta"]["tag"]) : [];
  if (tags.some((tag) => tag["code"] === "SUBSETTED"))
    throw new StudycastError("FHIR_RESPONSE", { reason: "subsetted" });
  return resource;
}
