/**
 * All studies of a source that FHIR holds, also those the DICOM service has lost meanwhile. The partition of a study stands nowhere in so many words;
 * it follows, and is proved, by hash: a partition named by an Endpoint's address is right if the Endpoint's id is the UUID over (source, partition), and
 * a study is this source's in this partition if its own identifier is the UUID over (source, partition, study UID).
 */
import { CREATED_TAG, endpointId, ownIdentifier, STUDY_UID_SYSTEM, TAG_SYSTEM } from "../mapping/index.ts";
import { DEFAULT_PARTITION, type StudyId, studyId } from "../study.ts";
import { matchesOf, nextLink } from "./bundle.ts";
import type { FhirClient } from "./client.ts";
import { type Json, recordsOf, textOf } from "./json.ts";
import { escapeSearchValue, hasIdentifier } from "./search.ts";

/** Pages move while others write, so a pass may miss some: passes are made until one finds nothing new, at most this many. */
const MAX_PASSES = 3;
const PAGE = "_count=200";

/** Each study once. @throws StudycastError as the client */
export async function* ownedStudies(
  client: FhirClient,
  sourceId: string,
  signal: AbortSignal,
): AsyncGenerator<StudyId, void> {
  for (const partition of await partitionsOf(client, sourceId, signal)) {
    const told = new Set<StudyId>();
    const query = `endpoint=${encodeURIComponent(`Endpoint/${endpointId(sourceId, partition)}`)}&_elements=identifier&${PAGE}`;
    for (let pass = 1, before = -1; pass <= MAX_PASSES && told.size > before; pass++) {
      before = told.size;
      let pages = 0;
      for await (const page of pagesOf(client, "ImagingStudy", query, signal)) {
        pages++;
        for (const resource of matchesOf(page, "ImagingStudy")) {
          const study = studyOf(resource, sourceId, partition);
          if (study === undefined || told.has(study)) continue;
          told.add(study);
          yield study;
        }
      }
      if (pages <= 1) break;
    }
  }
}

async function partitionsOf(client: FhirClient, sourceId: string, signal: AbortSignal): Promise<Set<string>> {
  const partitions = new Set<string>([DEFAULT_PARTITION]);
  const query = `_tag=${encodeURIComponent(`${escapeSearchValue(TAG_SYSTEM)}|${CREATED_TAG}`)}&${PAGE}`;
  for await (const page of pagesOf(client, "Endpoint", query, signal)) {
    for (const endpoint of matchesOf(page, "Endpoint")) {
      const name = /\/partitions\/([^/]+)$/.exec(textOf(endpoint["address"]) ?? "")?.[1];
      if (name === undefined) continue;
      const partition = decode(name);
      if (endpointId(sourceId, partition) === endpoint.id) partitions.add(partition);
    }
  }
  return partitions;
}

function studyOf(resource: Json, sourceId: string, partition: string): StudyId | undefined {
  for (const identifier of recordsOf(resource["identifier"])) {
    if (identifier["system"] !== STUDY_UID_SYSTEM) continue;
    const study = studyId(partition, (textOf(identifier["value"]) ?? "").replace(/^urn:oid:/, ""));
    const { system = "", value = "" } = ownIdentifier(sourceId, study);
    if (hasIdentifier(resource, { system, value })) return study;
  }
  return undefined;
}

async function* pagesOf(client: FhirClient, type: string, query: string, signal: AbortSignal): AsyncGenerator<Json> {
  const followed = new Set<string>();
  let page = await client.search(type, query, signal);
  for (;;) {
    yield page;
    const link = nextLink(page);
    // A next link seen before would go round for ever.
    if (link === undefined || followed.has(link)) return;
    followed.add(link);
    page = await client.follow(link, signal);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
