/** What the server holds of a study: one batch, every hit checked exactly. */
import { STUDY_UID_SYSTEM, type StudyIdentity } from "../mapping/index.ts";
import { get, readAnswer, searchAnswer } from "./bundle.ts";
import type { FhirClient } from "./client.ts";
import type { Resource } from "./json.ts";
import type { Found, FoundStudy } from "./plan.ts";
import { exactMatches, hasIdentifier, identifierQuery, whole } from "./search.ts";

/** @throws StudycastError as the client, also for an answer inside the batch */
export async function lookUpStudy(
  client: FhirClient,
  identity: StudyIdentity,
  signal: AbortSignal,
): Promise<FoundStudy> {
  const { studyResourceId, ownIdentifier, studyUid, endpointIds } = identity;
  const own = { system: ownIdentifier.system ?? "", value: ownIdentifier.value ?? "" };
  const uid = { system: STUDY_UID_SYSTEM, value: `urn:oid:${studyUid}` };
  const [byId, byOwn, byUid, ...endpoints] = await client.batch(
    [
      get(`ImagingStudy/${studyResourceId}`),
      get(`ImagingStudy?${identifierQuery(own)}`),
      get(`ImagingStudy?${identifierQuery(uid)}`),
      ...endpointIds.map((id) => get(`Endpoint/${id}`)),
    ],
    signal,
  );
  const atId = withId(readAnswer(byId, "ImagingStudy"), studyResourceId);
  const ownHits = await exactMatches(client, searchAnswer(byOwn), "ImagingStudy", own, signal);
  const sameUid = await exactMatches(client, searchAnswer(byUid), "ImagingStudy", uid, signal);
  // A search index may lag behind: a hit for the UID that carries our own identifier is ours as well.
  const ours = [...(atId ? [atId] : []), ...ownHits, ...sameUid.filter((hit) => hasIdentifier(hit, own))];
  return {
    identity,
    own: [...new Map(ours.map((hit) => [hit.id, hit])).values()],
    sameUid,
    endpoints: endpointIds.flatMap((id, index) => withId(readAnswer(endpoints[index], "Endpoint"), id) ?? []),
  };
}

function withId(resource: Resource | undefined, id: string): Found | undefined {
  return resource === undefined ? undefined : whole({ ...resource, id });
}
