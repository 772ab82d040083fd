/**
 * Exact-match index over the search parameters that a worker uses, so that a search does not walk every resource (the
 * library's own search costs 0.7 ms per stored resource). Keys are `Type|parameter|value form`; a token is entered in every
 * form FHIR lets a client ask for it (search.html §3.1.1.4.10), a reference as `Type/id` and as `id`.
 */
import type { Resource } from "@medplum/fhirtypes";
import { referencesIn } from "./elements.ts";

type Token = { system?: string; value?: string; code?: string };

const asList = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

function tokenForms(value: unknown): string[] {
  const forms: string[] = [];
  for (const item of asList(value)) {
    const { system, value: plain, code } = item as Token;
    const text = plain ?? code;
    if (text !== undefined) forms.push(text, `${system ?? ""}|${text}`);
    if (system !== undefined) forms.push(`${system}|`);
  }
  return forms;
}

function referenceForms(value: unknown): string[] {
  const forms: string[] = [];
  for (const item of asList(value)) {
    const { reference } = item as { reference?: string };
    if (reference === undefined) continue;
    forms.push(reference, reference.slice(reference.lastIndexOf("/") + 1));
  }
  return forms;
}

type Extract = (resource: Record<string, unknown>) => string[];

const COMMON: Readonly<Record<string, Extract>> = {
  _id: (resource) => [String(resource["id"])],
  _tag: (resource) => tokenForms((resource["meta"] as { tag?: unknown } | undefined)?.tag),
  identifier: (resource) => tokenForms(resource["identifier"]),
};
const BY_TYPE: Readonly<Record<string, Readonly<Record<string, Extract>>>> = {
  ImagingStudy: {
    ...COMMON,
    subject: (resource) => referenceForms(resource["subject"]),
    patient: (resource) =>
      referenceForms(resource["subject"]).filter((form) => !form.includes("/") || form.startsWith("Patient/")),
    endpoint: (resource) => [
      ...new Set([
        ...referenceForms(resource["endpoint"]),
        ...asList(resource["series"]).flatMap((series) => referenceForms((series as { endpoint?: unknown }).endpoint)),
      ]),
    ],
  },
};

const extractors = (type: string): Readonly<Record<string, Extract>> => BY_TYPE[type] ?? COMMON;

/** Splits a search value at its unescaped commas (OR) and takes the escapes away (search.html §3.1.1.4.4). */
export function alternatives(value: string): string[] {
  return value.split(/(?<!\\),/).map((part) => part.replace(/\\([,|$\\])/g, "$1"));
}

export type SearchIndex = {
  add(resource: Resource): void;
  remove(resource: Resource): void;
  /** Whether `parameter` of `type` is answered by the index. */
  covers(type: string, parameter: string): boolean;
  /** Ids of the resources of `type` that match one of the comma-separated values. */
  ids(type: string, parameter: string, value: string): Set<string>;
  /** `Type/id` of every resource that holds a literal reference to `target`. */
  referrers(target: string): ReadonlySet<string>;
  clear(): void;
};

export function createSearchIndex(): SearchIndex {
  const keys = new Map<string, Set<string>>();

  const change = (key: string, member: string, present: boolean): void => {
    const members = keys.get(key);
    if (present) {
      if (members) members.add(member);
      else keys.set(key, new Set([member]));
    } else if (members?.delete(member) && members.size === 0) keys.delete(key);
  };
  const enter = (resource: Resource, present: boolean): void => {
    const { resourceType, id = "" } = resource;
    const object = resource as unknown as Record<string, unknown>;
    for (const [parameter, extract] of Object.entries(extractors(resourceType))) {
      for (const form of extract(object)) change(`${resourceType}|${parameter}|${form}`, id, present);
    }
    for (const reference of referencesIn(object)) change(`>${reference}`, `${resourceType}/${id}`, present);
  };
  const none: ReadonlySet<string> = new Set();

  return {
    add: (resource) => enter(resource, true),
    remove: (resource) => enter(resource, false),
    covers: (type, parameter) => parameter in extractors(type),
    ids: (type, parameter, value) => {
      const found = new Set<string>();
      for (const form of alternatives(value)) {
        for (const id of keys.get(`${type}|${parameter}|${form}`) ?? none) found.add(id);
      }
      return found;
    },
    referrers: (target) => keys.get(`>${target}`) ?? none,
    clear: () => keys.clear(),
  };
}
