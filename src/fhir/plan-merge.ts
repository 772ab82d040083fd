/**
 * Merges what is wanted into what was found, by ownership (mapping/ownership.ts). What no tree names stays as it is: elements, list items, extensions
 * and tags of others. Pure.
 */
import type { ItemOwner, Owned, OwnershipTree } from "../mapping/index.ts";
import { isRecord, type Json, recordsOf, sameJson } from "./json.ts";
import type { Found, Write } from "./plan.ts";

/** Members of `meta` that are the server's own: neither compared nor sent. */
const SERVER_META = ["versionId", "lastUpdated", "source"];

/** The write that makes `found` agree with `wanted` in all that is ours; undefined when it does already. */
export function updateOf(found: Found, wanted: Json, tree: OwnershipTree): Write | undefined {
  const before = withoutServerMeta(found);
  const after = merge(before, wanted, tree);
  return sameJson(before, after) ? undefined : writeOver(found, after);
}

/** A PUT of `content` over `found`, on the version found. */
export function writeOver(found: Found, content: Json): Write {
  const ifMatch = versionOf(found);
  const resource = { ...withoutServerMeta(content), resourceType: found.resourceType, id: found.id };
  return { resource, expect: "updated", ...(ifMatch === undefined ? {} : { ifMatch }) };
}

/** The version as If-Match wants it; undefined where the server told none. */
export function versionOf(found: Found): string | undefined {
  const version = isRecord(found["meta"]) ? found["meta"]["versionId"] : undefined;
  return typeof version === "string" ? `W/"${version}"` : undefined;
}

export function withoutServerMeta(resource: Json): Json {
  const { meta, ...rest } = resource;
  if (!isRecord(meta)) return rest;
  const kept = Object.fromEntries(Object.entries(meta).filter(([name]) => !SERVER_META.includes(name)));
  return Object.keys(kept).length > 0 ? { ...rest, meta: kept } : rest;
}

/** `found` with all that the tree names as `wanted` has it. Neither argument is changed. */
export function merge(found: Json, wanted: Json, tree: OwnershipTree): Json {
  const merged: Json = { ...found };
  for (const [name, owned] of Object.entries(tree)) {
    const value = mergeElement(found[name], wanted[name], owned);
    if (value === undefined || isEmpty(value)) delete merged[name];
    else merged[name] = value;
  }
  return merged;
}

function mergeElement(found: unknown, wanted: unknown, owned: Owned): unknown {
  switch (owned.kind) {
    case "whole":
      if (wanted !== undefined || !owned.keepWhenAbsent) return wanted;
      return owned.unless !== undefined && isRecord(found) && owns(owned.unless, found) ? undefined : found;
    case "items": {
      const items = recordsOf(wanted);
      return items.length === 0 && owned.keepWhenAbsent ? found : mergeItems(recordsOf(found), items, owned.owners);
    }
    case "values": {
      const before = textsOf(found).filter((text) => !owned.values.includes(text) || textsOf(wanted).includes(text));
      return [...new Set([...before, ...textsOf(wanted)])];
    }
    case "members":
      return merge(isRecord(found) ? found : {}, isRecord(wanted) ? wanted : {}, owned.members);
    case "list":
      return mergeKeyed(recordsOf(found), recordsOf(wanted), owned.key, owned.members);
  }
}

/** Others' items stay where they are; ours that are no longer wanted go; wanted ones that are missing are added at the end. */
function mergeItems(found: readonly Json[], wanted: readonly Json[], owners: readonly ItemOwner[]): Json[] {
  const kept = found.filter((item) => !isOurs(item, owners) || wanted.some((one) => sameJson(one, item)));
  const missing = wanted.filter((one) => {
    if (kept.some((item) => sameJson(item, one))) return false;
    return isOurs(one, owners) || !kept.some((item) => isPresent(item, one, owners));
  });
  return [...kept, ...missing];
}

function isOurs(item: Json, owners: readonly ItemOwner[]): boolean {
  return owners.some((owner) => owns(owner, item));
}

function owns(owner: ItemOwner, item: Json): boolean {
  switch (owner.by) {
    case "system":
      return item["system"] === owner.system;
    case "type-code":
      return hasType(item, owner);
    case "identifier-type-code":
      return isRecord(item["identifier"]) && hasType(item["identifier"], owner);
    case "reference":
      return owner.references.some((reference) => item["reference"] === reference);
    case "url":
      return item["url"] === owner.url;
    case "extension":
      return recordsOf(item["extension"]).some((extension) => extension["url"] === owner.url);
    case "presence":
      return false;
  }
}

function hasType(identifier: Json, { system, code }: { system: string; code: string }): boolean {
  const codings = isRecord(identifier["type"]) ? recordsOf(identifier["type"]["coding"]) : [];
  return codings.some((coding) => coding["system"] === system && coding["code"] === code);
}

/** Whether `item` stands for the wanted one by a presence rule. A rule none of whose members the wanted item has says nothing about it. */
function isPresent(item: Json, wanted: Json, owners: readonly ItemOwner[]): boolean {
  return owners.some(
    (owner) =>
      owner.by === "presence" &&
      owner.members.some((member) => wanted[member] !== undefined) &&
      owner.members.every((member) => sameJson(item[member], wanted[member])),
  );
}

/** The membership is the wanted one, in its order; others' members of an item that stays are kept with it. */
function mergeKeyed(found: readonly Json[], wanted: readonly Json[], key: string, members: OwnershipTree): Json[] {
  const byKey = new Map(found.map((item) => [item[key], item]));
  return wanted.map((item) => {
    const old = byKey.get(item[key]);
    return old === undefined ? item : merge(old, item, members);
  });
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
