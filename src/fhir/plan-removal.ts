/**
 * What the last image's deletion means for FHIR. What we did not create we never delete: an ImagingStudy of others that we had adopted loses our parts
 * (own identifier, endpoint, series and counts, since the images are gone) and its status becomes `unknown`; if the study comes back it is adopted again.
 * One we created is deleted, or marked `entered-in-error`. Patients and Endpoints stay. Pure.
 */
import { type Json, recordsOf, sameJson } from "./json.ts";
import type { Found, FoundStudy, Plan, WritePolicy } from "./plan.ts";
import { withoutServerMeta, writeOver } from "./plan-merge.ts";
import { isCreatedByUs } from "./plan-patient.ts";

export function planRemoval(found: FoundStudy, { deletePolicy }: Pick<WritePolicy, "deletePolicy">): Plan {
  if (found.own.length > 1) return { kind: "waiting", code: "STUDY_AMBIGUOUS" };
  // A resource of others that was never adopted is none of our business: only `own` counts.
  const [resource] = found.own;
  if (resource === undefined) return { kind: "unchanged" };
  if (!isCreatedByUs(resource)) return writePlan(resource, withoutOurParts(resource, found));
  const marked = { ...resource, status: "entered-in-error" };
  if (deletePolicy === "mark") return writePlan(resource, marked);
  return { kind: "remove", id: resource.id, mark: writeOver(resource, marked) };
}

function writePlan(found: Found, content: Json): Plan {
  if (sameJson(withoutServerMeta(found), withoutServerMeta(content))) return { kind: "unchanged" };
  return { kind: "write", writes: [writeOver(found, content)] };
}

function withoutOurParts(resource: Found, { identity }: FoundStudy): Json {
  const { series: _series, numberOfSeries: _s, numberOfInstances: _i, identifier, endpoint, ...rest } = resource;
  const own = identity.ownIdentifier;
  const identifiers = recordsOf(identifier).filter(
    (item) => item["system"] !== own.system || item["value"] !== own.value,
  );
  const ours = identity.ownEndpointIds.map((id) => `Endpoint/${id}`);
  const endpoints = recordsOf(endpoint).filter((item) => !ours.some((reference) => item["reference"] === reference));
  return {
    ...rest,
    status: "unknown",
    ...(identifiers.length > 0 ? { identifier: identifiers } : {}),
    ...(endpoints.length > 0 ? { endpoint: endpoints } : {}),
  };
}
