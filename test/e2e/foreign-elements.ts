/** Valid elements that others keep on resources: drawn for each resource by a seeded generator, wherever the mapping says that the place is not ours. */
import fc from "fast-check";
import type { OwnershipTree } from "../../src/mapping/index.ts";

type Json = Record<string, unknown>;

const concept = (text: string) => ({ coding: [{ system: "urn:test:other", code: text }], text });
const extension = (text: string) => ({ url: `urn:test:other/${text}`, valueString: text });

/** Elements by type of resource; a list is added to what is there, anything else only where nothing is. */
const ELEMENTS: Readonly<Record<string, (text: string) => Json>> = {
  ImagingStudy: (text) => ({
    extension: [extension(text)],
    identifier: [{ system: "urn:test:other", value: text }],
    contained: [{ resourceType: "Practitioner", id: "reader", name: [{ text }] }],
    interpreter: [{ reference: "#reader" }],
    encounter: { display: text },
    location: { display: text },
    reasonCode: [concept(text)],
    procedureCode: [concept(text)],
    note: [{ text }],
    language: "de",
    endpoint: [{ display: text }],
    basedOn: [{ identifier: { system: "urn:test:other", value: text } }],
  }),
  Patient: (text) => ({
    extension: [extension(text)],
    identifier: [{ system: "urn:test:other", value: text }],
    active: true,
    telecom: [{ system: "phone", value: text }],
    address: [{ text }],
    maritalStatus: concept(text),
    contact: [{ name: { text } }],
    communication: [{ language: concept(text) }],
    generalPractitioner: [{ display: text }],
    managingOrganization: { display: text },
    link: [{ other: { display: text }, type: "seealso" }],
  }),
  Endpoint: (text) => ({
    extension: [extension(text)],
    identifier: [{ system: "urn:test:other", value: text }],
    name: text,
    managingOrganization: { display: text },
    contact: [{ system: "phone", value: text }],
    header: [`X-Other: ${text}`],
  }),
};
const SERIES = (text: string): Json => ({
  extension: [extension(text)],
  specimen: [{ display: text }],
  endpoint: [{ display: text }],
});
const INSTANCE = (text: string): Json => ({ extension: [extension(text)] });

/** What was added to one resource, by path; and the resource with it. */
export type Additions = { edited: Json; added: Map<string, unknown> };

/** Adds a random part of what others may have, and one tag. */
export function withAdditions(resource: Json, tree: OwnershipTree, seed: number): Additions {
  const [word = "x", keep = []] =
    fc.sample(fc.tuple(fc.stringMatching(/^[a-z]{3,8}$/), fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })), {
      numRuns: 1,
      seed,
    })[0] ?? [];
  const added = new Map<string, unknown>();
  let drawn = 0;
  const add = (to: Json, elements: Json, owned: OwnershipTree, path: string): Json => {
    const edited = { ...to };
    for (const [name, element] of Object.entries(elements)) {
      if (!keep[drawn++ % keep.length] || owned[name]?.kind === "whole") continue;
      const before = to[name];
      if (before !== undefined && !Array.isArray(element)) continue;
      edited[name] = Array.isArray(element) ? [...element, ...((before as unknown[] | undefined) ?? [])] : element;
      added.set(`${path}.${name}`, element);
    }
    return edited;
  };
  const inside = (owned: OwnershipTree, name: string): OwnershipTree => {
    const one = owned[name];
    return one?.kind === "list" || one?.kind === "members" ? one.members : {};
  };
  const type = String(resource["resourceType"]);
  const edited = add(resource, ELEMENTS[type]?.(word) ?? {}, tree, type);
  const seriesTree = inside(tree, "series");
  if (Array.isArray(edited["series"]))
    edited["series"] = (edited["series"] as Json[]).map((series) => {
      const path = `series[${String(series["uid"])}]`;
      const changed = add(series, SERIES(word), seriesTree, path);
      const instances = (changed["instance"] as Json[] | undefined)?.map((one) =>
        add(one, INSTANCE(word), inside(seriesTree, "instance"), `${path}.instance[${String(one["uid"])}]`),
      );
      return instances === undefined ? changed : { ...changed, instance: instances };
    });
  const meta = (edited["meta"] ?? {}) as Json;
  const tag = [{ system: "urn:test:other", code: word }];
  edited["meta"] = { ...meta, tag: [...tag, ...((meta["tag"] as unknown[] | undefined) ?? [])] };
  added.set("meta.tag", tag);
  return { edited, added };
}

/** Paths whose addition is not there any more; those of series and instances that have left with their images do not count. */
export function missingIn(resource: Json, { added }: Additions): string[] {
  return [...added].flatMap(([path, element]) => {
    const holder = holderOf(resource, path);
    if (holder === undefined) return [];
    const now = holder[path.slice(path.lastIndexOf(".") + 1)];
    const wanted = Array.isArray(element) ? element : [element];
    const found = Array.isArray(now) ? now : [now];
    return wanted.every((one) => found.some((item) => sameText(item, one))) ? [] : [path];
  });
}

function holderOf(resource: Json, path: string): Json | undefined {
  if (path.startsWith("meta.")) return (resource["meta"] ?? {}) as Json;
  const [series, instance] = [...path.matchAll(/\[([^\]]+)\]/g)].map(([, uid]) => uid);
  if (series === undefined) return resource;
  const found = ((resource["series"] ?? []) as Json[]).find(({ uid }) => uid === series);
  if (found === undefined || instance === undefined) return found;
  return ((found["instance"] ?? []) as Json[]).find(({ uid }) => uid === instance);
}

/** Equal but for the order of members, which a server may change. */
function sameText(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort())
      : member,
  ) ?? "";
