/**
 * Random resources by an ownership tree: content of ours, and what others may add beside it. Whatever the mapping rows declare, that is what is generated,
 * for any resource type and FHIR version. Others' items are often near misses: all but equal to one of ours.
 */
import fc from "fast-check";
import type { Json } from "../../src/fhir/json.ts";
import { isRecord, recordsOf, sameJson } from "../../src/fhir/json.ts";
import type { ItemOwner, Owned, OwnershipTree } from "../../src/mapping/index.ts";

const word = fc.stringMatching(/^[a-z]{1,6}$/);
const scalar = fc.oneof(word, fc.nat(99), fc.boolean());
/** JSON as FHIR has it: nothing null, nothing empty. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small" }, scalar, tie("list"), tie("object")),
  list: fc.array(fc.dictionary(word, tie("value"), { minKeys: 1, maxKeys: 2 }), { minLength: 1, maxLength: 3 }),
  object: fc.dictionary(word, tie("value"), { minKeys: 1, maxKeys: 3 }),
}))["value"];

const typed = (system: string, code: string) => ({ type: { coding: [{ system, code }] } });

/** Items that this owner has. */
function itemOf(owner: ItemOwner): fc.Arbitrary<Json> {
  return word.map((text) => ownItem(owner, text));
}

function ownItem(owner: ItemOwner, text: string): Json {
  switch (owner.by) {
    case "system":
      return { system: owner.system, value: text };
    case "type-code":
      return { ...typed(owner.system, owner.code), value: text };
    case "identifier-type-code":
      return { identifier: { ...typed(owner.system, owner.code), value: text } };
    case "reference":
      return { reference: owner.references[text.length % owner.references.length], display: text };
    case "url":
      return { url: owner.url, valueString: text };
    case "extension":
      return { extension: [{ url: owner.url, valueCode: "ABC" }], text };
    case "presence":
      return Object.fromEntries(owner.members.map((member) => [member, `ours-${text}`]));
  }
}

/** Items that are not this owner's, and all but. */
function nearMissOf(owner: ItemOwner): fc.Arbitrary<Json> {
  const more = fc.dictionary(word, value, { maxKeys: 2 });
  return fc
    .record({ text: word, other: word, more })
    .map(({ text, other, more: rest }) => ({ ...rest, ...nearItem(owner, text, other) }));
}

function nearItem(owner: ItemOwner, text: string, other: string): Json {
  switch (owner.by) {
    case "system":
      return { system: `${owner.system}/${other}`, value: text };
    case "type-code":
      return { system: `urn:other:${other}`, ...typed(owner.system, `${owner.code}X`), value: text };
    case "identifier-type-code":
      return { identifier: typed(`urn:other:${other}`, owner.code) };
    case "reference":
      return { reference: `${owner.references[0]}x`, display: text };
    case "url":
      return { url: `${owner.url}/${other}`, valueString: text };
    case "extension":
      return { text, extension: [{ url: `${owner.url}/${other}` }] };
    case "presence":
      return Object.fromEntries(owner.members.map((member) => [member, `urn:other:${text}`]));
  }
}

/** Content that a mapping with this tree could want. */
export function wantedBy(tree: OwnershipTree): fc.Arbitrary<Json> {
  const elements = Object.entries(tree).map(([name, owned]) => [name, wantedElement(owned)] as const);
  return fc.record(Object.fromEntries(elements), { requiredKeys: [] }).map((record) => {
    const present = Object.entries(record).filter(([, element]) => element !== undefined && !isEmpty(element));
    return Object.fromEntries(present);
  });
}

function wantedElement(owned: Owned): fc.Arbitrary<unknown> {
  switch (owned.kind) {
    case "whole":
      return value;
    case "items":
      return fc.uniqueArray(fc.oneof(...owned.owners.map(itemOf)), { maxLength: 3, comparator: sameJson });
    case "values":
      return fc.subarray([...owned.values]);
    case "members":
      return wantedBy(owned.members);
    case "list":
      return fc.uniqueArray(
        fc.record({ key: fc.nat(4), item: wantedBy(owned.members) }).map(({ key, item }) => ({
          ...item,
          [owned.key]: `1.2.${key}`,
        })),
        { maxLength: 3, selector: (item) => item[owned.key] },
      );
  }
}

const isEmpty = (element: unknown): boolean =>
  Array.isArray(element) ? element.length === 0 : isRecord(element) && Object.keys(element).length === 0;

/** What others have added to a resource, and where it must be found again. */
export type Added = { edited: Json; missingIn(after: Json): string[] };
type Edit = { add(before: unknown): unknown; missing(before: unknown, after: unknown, path: string): string[] };

const UNCHANGED: Edit = { add: (before) => before, missing: () => [] };

/** `resource` with others' additions of all kinds, wherever the tree says that it is not ours. */
export function addedTo(resource: Json, tree: OwnershipTree, extraNames: readonly string[]): fc.Arbitrary<Added> {
  return editOf(tree, extraNames).map((edit) => {
    const edited = edit.add(resource);
    if (!isRecord(edited)) throw new Error("an edit of an object is an object");
    return { edited, missingIn: (after) => edit.missing(resource, after, "") };
  });
}

/** Others' members beside ours, and their items in our lists. */
function editOf(tree: OwnershipTree, extraNames: readonly string[]): fc.Arbitrary<Edit> {
  const free = extraNames.filter((name) => !(name in tree));
  const name = free.length > 0 ? fc.oneof(word, fc.constantFrom(...free)) : word;
  const own = fc
    .dictionary(name, value, { maxKeys: 3 })
    .map((members) => Object.entries(members).filter(([member]) => !(member in tree)));
  const inside = fc.record(
    Object.fromEntries(Object.entries(tree).map(([member, owned]) => [member, editOfElement(owned)])),
  );
  return fc.record({ own, inside }).map(({ own: members, inside: edits }) => ({
    add(before) {
      const old = isRecord(before) ? before : {};
      const edited: Json = { ...old };
      for (const [member, edit] of Object.entries(edits)) {
        const element = edit.add(old[member]);
        if (element !== undefined && !isEmpty(element)) edited[member] = element;
      }
      // A member that the resource has already is not an addition.
      for (const [member, content] of members) if (!(member in old)) edited[member] = content;
      return edited;
    },
    missing(before, after, path) {
      const [old, now] = [before, after].map((one) => (isRecord(one) ? one : {}));
      if (old === undefined || now === undefined) return [path];
      const lost = members.flatMap(([member, content]) =>
        member in old || sameJson(now[member], content) ? [] : [`${path}.${member}`],
      );
      return [
        ...lost,
        ...Object.entries(edits).flatMap(([member, edit]) =>
          edit.missing(old[member], now[member], `${path}.${member}`),
        ),
      ];
    },
  }));
}

function editOfElement(owned: Owned): fc.Arbitrary<Edit> {
  switch (owned.kind) {
    case "whole":
      return fc.constant(UNCHANGED);
    case "members":
      return editOf(owned.members, ["extension", "id"]);
    case "items":
      return fc
        .array(fc.record({ item: fc.oneof(...owned.owners.map(nearMissOf)), front: fc.boolean() }), { maxLength: 3 })
        .map((items) => ({
          add(before) {
            const front = items.filter((one) => one.front).map(({ item }) => item);
            const back = items.filter((one) => !one.front).map(({ item }) => item);
            return [...front, ...recordsOf(before), ...back];
          },
          missing: (_before, after, path) =>
            items.flatMap(({ item }) =>
              recordsOf(after).some((one) => sameJson(one, item)) ? [] : [`${path}[${JSON.stringify(item)}]`],
            ),
        }));
    case "values":
      return fc.array(fc.record({ text: word, front: fc.boolean() }), { maxLength: 3 }).map((items) => {
        const texts = items.map(({ text, front }) => ({ text: `urn:other:${text}`, front }));
        const part = (front: boolean) => texts.filter((one) => one.front === front).map(({ text }) => text);
        const list = (of: unknown): unknown[] => (Array.isArray(of) ? of : []);
        return {
          add: (before) => [...new Set([...part(true), ...list(before), ...part(false)])],
          missing: (_before, after, path) =>
            texts.flatMap(({ text }) => (list(after).includes(text) ? [] : [`${path}[${text}]`])),
        };
      });
    case "list":
      return editOf(owned.members, ["extension", "modifierExtension", "id"]).map((edit) => ({
        add: (before) => recordsOf(before).map((item) => ({ ...keyOnly(item, owned.key), ...record(edit.add(item)) })),
        // What is no longer in the study takes with it what stood on it.
        missing: (before, after, path) =>
          recordsOf(before).flatMap((item) => {
            const now = recordsOf(after).find((one) => one[owned.key] === item[owned.key]);
            return now === undefined ? [] : edit.missing(item, now, `${path}[${String(item[owned.key])}]`);
          }),
      }));
  }
}

const keyOnly = (item: Json, key: string): Json => ({ [key]: item[key] });
const record = (element: unknown): Json => (isRecord(element) ? element : {});
