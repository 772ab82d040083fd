/**
 * What the resources a study refers to besides its Patient need: absent ones are created; ours are kept right; others' are only referred to; where the
 * server holds several, or none may be written, the reference stays logical. Never a reason for a study to wait. Pure.
 *
 * Several studies describe one Device. The latest by study date has the say: its `asOf` stands in an extension, an older study adds what is missing to
 * lists and changes nothing else. The extension changes with the values only, so that a new study with known equipment writes nothing.
 */
import type { Reference } from "fhir/r4";
import {
  type Ownership,
  type OwnershipTree,
  rewriteReferences,
  SUPPORTING_AS_OF_URL,
  type SupportingResource,
} from "../mapping/index.ts";
import { type Json, recordsOf, sameJson, textOf } from "./json.ts";
import type { Found, FoundSupporting, Write } from "./plan.ts";
import { updateOf } from "./plan-merge.ts";
import { isCreatedByUs } from "./plan-patient.ts";

export type PlannedSupporting = {
  writes: Write[];
  /** The study or any other resource with its references as they are after the writes. */
  refer<T extends object>(resource: T): T;
};

/** @param subject of the study; an order's too */
export function planSupporting(
  supporting: readonly SupportingResource[],
  found: FoundSupporting,
  subject: Reference,
  ownership: Ownership,
): PlannedSupporting {
  const ids = new Map<string, string | undefined>();
  for (const { resource } of supporting) {
    const there = found.get(String(resource.id));
    const id = there?.kind === "found" ? there.resource.id : there?.kind === "absent" ? resource.id : undefined;
    ids.set(`${resource.resourceType}/${resource.id}`, id && `${resource.resourceType}/${id}`);
  }
  const refer = <T extends object>(resource: T): T =>
    ids.size === 0 ? resource : rewriteReferences(resource, (name) => (ids.has(name) ? ids.get(name) : name));
  const writes = supporting.flatMap(({ resource, asOf }): Write[] => {
    const there = found.get(String(resource.id));
    if (there === undefined || there.kind === "ambiguous") return [];
    const order = resource.resourceType === "ServiceRequest" ? { subject } : {};
    const wanted: Json = refer({ ...resource, ...order });
    if (there.kind === "absent") return [creation(wanted, asOf)];
    if (!isCreatedByUs(there.resource)) return [];
    const update = updateWith(there.resource, wanted, ownership[resource.resourceType], asOf);
    return update === undefined ? [] : [update];
  });
  return { writes, refer };
}

function creation(wanted: Json, asOf: string): Write {
  const resource = { ...stamped(wanted, asOf), resourceType: String(wanted["resourceType"]), id: String(wanted["id"]) };
  return { resource, expect: "created" };
}

function updateWith(found: Found, wanted: Json, tree: OwnershipTree, asOf: string): Write | undefined {
  const stamp = stampOf(found);
  const isOlder = stamp !== undefined && stamp > asOf;
  const update = updateOf(found, isOlder ? withoutWholes(wanted, tree) : wanted, tree);
  if (update === undefined || isOlder) return update;
  const changed = wholesOf(tree).some((name) => !sameJson(found[name], update.resource[name]));
  return changed ? { ...update, resource: { ...update.resource, ...stamped(update.resource, asOf) } } : update;
}

function wholesOf(tree: OwnershipTree): string[] {
  return Object.keys(tree).filter((name) => tree[name]?.kind === "whole");
}

function withoutWholes(wanted: Json, tree: OwnershipTree): Json {
  const rest = { ...wanted };
  for (const name of wholesOf(tree)) delete rest[name];
  return rest;
}

function stampOf(resource: Json): string | undefined {
  return textOf(recordsOf(resource["extension"]).find(isStamp)?.["valueString"]);
}

function isStamp(extension: Json): boolean {
  return extension["url"] === SUPPORTING_AS_OF_URL;
}

function stamped(resource: Json, asOf: string): Json {
  const others = recordsOf(resource["extension"]).filter((extension) => !isStamp(extension));
  return { ...resource, extension: [...others, { url: SUPPORTING_AS_OF_URL, valueString: asOf }] };
}
