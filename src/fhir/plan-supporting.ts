/**
 * What the resources a study refers to besides its Patient need: absent ones are created; ours are kept right; others' are only referred to; where the
 * server holds several, or none may be written, the reference stays logical. Never a reason for a study to wait. Pure.
 *
 * Several studies describe one Device. The latest by study date has the say: its `asOf` stands in an extension, an older study adds what is missing to
 * lists and changes nothing else. The extension changes with the values only, so that a new study with known equipment writes nothing; of an order, which
 * few studies share, it always is the latest's. An order of another patient is not referred to: its number may have been used twice.
 */
import type { Reference } from "fhir/r4";
import {
  type Ownership,
  type OwnershipTree,
  rewriteReferences,
  SUPPORTING_AS_OF_URL,
  type SupportingResource,
} from "../mapping/index.ts";
import { isRecord, type Json, recordsOf, sameJson, textOf } from "./json.ts";
import type { Found, FoundSupporting, FoundSupportingResource, Write, WritePolicy } from "./plan.ts";
import { updateOf, writeOver } from "./plan-merge.ts";
import { isCreatedByUs, mayOverwrite } from "./plan-patient.ts";

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
  { supportingPolicy = "write" }: Pick<WritePolicy, "supportingPolicy"> = {},
): PlannedSupporting {
  const mayWrite = supportingPolicy === "write";
  const ids = new Map<string, string | undefined>();
  for (const one of supporting) {
    const name = `${one.resource.resourceType}/${one.resource.id}`;
    const id = idAfterwards(one, found.get(String(one.resource.id)), subject, mayWrite);
    ids.set(name, id && `${one.resource.resourceType}/${id}`);
  }
  const refer = <T extends object>(resource: T): T =>
    ids.size === 0 ? resource : rewriteReferences(resource, (name) => (ids.has(name) ? ids.get(name) : name));
  const writes = supporting.flatMap(({ resource, asOf }): Write[] => {
    const there = found.get(String(resource.id));
    if (!mayWrite || there === undefined || there.kind === "ambiguous") return [];
    const order = isOrder(resource) ? { subject } : {};
    const wanted: Json = refer({ ...resource, ...order });
    if (there.kind === "absent") return [creation(wanted, asOf)];
    if (!isCreatedByUs(there.resource)) return [];
    const update = updateWith(there.resource, wanted, ownership[resource.resourceType], asOf);
    return update === undefined ? [] : [update];
  });
  return { writes, refer };
}

function isOrder({ resourceType }: { resourceType: string }): boolean {
  return resourceType === "ServiceRequest";
}

/** What the reference leads to after the writes; undefined when it stays logical. */
function idAfterwards(
  { resource, asOf }: SupportingResource,
  there: FoundSupportingResource | undefined,
  subject: Reference,
  mayWrite: boolean,
): string | undefined {
  if (there === undefined || there.kind === "ambiguous") return undefined;
  if (there.kind === "absent") return mayWrite ? resource.id : undefined;
  const corrected = mayWrite && isCreatedByUs(there.resource) && mayOverwrite(stampOf(there.resource), asOf);
  if (isOrder(resource) && !corrected && isOfAnother(there.resource["subject"], subject)) return undefined;
  return there.resource.id;
}

/** Whether a subject is plainly somebody else: one that only has a display may be anybody. */
function isOfAnother(theirs: unknown, { reference, identifier }: Reference): boolean {
  if (!isRecord(theirs)) return false;
  if (theirs["reference"] !== undefined) return theirs["reference"] !== reference;
  const other = theirs["identifier"];
  return isRecord(other) && (other["system"] !== identifier?.system || other["value"] !== identifier?.value);
}

function creation(wanted: Json, asOf: string): Write {
  const resource = { ...stamped(wanted, asOf), resourceType: String(wanted["resourceType"]), id: String(wanted["id"]) };
  return { resource, expect: "created" };
}

function updateWith(found: Found, wanted: Json, tree: OwnershipTree, asOf: string): Write | undefined {
  if (!mayOverwrite(stampOf(found), asOf)) return updateOf(found, withoutWholes(wanted, tree), tree);
  const update = updateOf(found, wanted, tree);
  const content = update?.resource ?? found;
  const changed = isOrder(found) || wholesOf(tree).some((name) => !sameJson(found[name], content[name]));
  if (!changed || stampOf(found) === asOf) return update;
  return writeOver(found, stamped(content, asOf));
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
