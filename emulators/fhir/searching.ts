/**
 * Searches: paging with opaque `next` links, `_elements`, `_summary=count`, `_total`, and HAPI's cache: an equal search within
 * the cache time is answered with the hits of the first one, unless the request says no-cache or no-store.
 */
import { randomUUID } from "node:crypto";
import { parseSearchRequest, type SearchRequest } from "@medplum/core";
import type { Bundle, BundleEntry, Resource, ResourceType } from "@medplum/fhirtypes";
import { refusal } from "./outcome.ts";
import type { IndexedRepository } from "./repository.ts";
import type { Rules } from "./rules.ts";

type Result = { bundleId: string; at: number; keys: string[]; type: string; query: URLSearchParams };
type Page = { type: string; query: URLSearchParams; base: string; noCache: boolean };

export type Searching = {
  /** The searchset of `GET type?query` (or POST _search). */
  search(page: Page): Promise<Bundle>;
  /** A further page by HAPI's `?_getpages=` link. */
  page(query: URLSearchParams, base: string): Bundle;
  clear(): void;
};

const DEFAULT_COUNT = 20;
const MAX_COUNT = 1000;
/** Results remembered for cache and paging; the oldest is forgotten first. */
const MAX_RESULTS = 5000;
/** Parameters that shape the answer and select nothing. */
const CONTROL = new Set(["_count", "_offset", "_elements", "_total", "_summary", "_format", "_pretty", "ct"]);
const MANDATORY: Readonly<Record<string, readonly string[]>> = {
  ImagingStudy: ["status", "subject"],
  Endpoint: ["status", "connectionType", "payloadType", "address"],
};

export function createSearching(repository: IndexedRepository, rules: Rules, now: () => number): Searching {
  const cached = new Map<string, Result>();
  const byId = new Map<string, Result>();

  const remember = (key: string | undefined, result: Result): Result => {
    if (key !== undefined) cached.set(key, result);
    byId.set(result.bundleId, result);
    for (const results of [cached, byId]) {
      const [oldest] = results.keys();
      if (results.size > MAX_RESULTS && oldest !== undefined) results.delete(oldest);
    }
    return result;
  };

  const run = async ({ type, query, noCache }: Page): Promise<Result> => {
    const selecting = new URLSearchParams([...query].filter(([name]) => !CONTROL.has(name)));
    selecting.sort();
    const key = `${type}?${selecting}`;
    const known = cached.get(key);
    if (!noCache && known && now() - known.at < rules.searchCacheMs) return known;
    const found = await repository.find(parse(type, selecting));
    const keys = found.map((resource) => `${type}/${resource.id}`);
    const result: Result = { bundleId: randomUUID(), at: now(), keys, type, query };
    return remember(rules.searchCacheMs > 0 && !noCache ? key : undefined, result);
  };

  const answer = (result: Result, page: Page, start: number, included: BundleEntry[]): Bundle => {
    const { query, base } = page;
    const count = Math.min(Number(query.get("_count") ?? DEFAULT_COUNT), MAX_COUNT);
    if (!Number.isInteger(count) || count < 0) throw refusal(400, "invalid", "invalid _count");
    const countOnly = query.get("_summary") === "count" || count === 0;
    const elements = query.get("_elements")?.split(",");
    const keys = countOnly ? [] : result.keys.slice(start, start + count);
    const entry = keys.flatMap((key): BundleEntry[] => {
      const [type = "", id = ""] = key.split("/");
      const resource = repository.peek(type, id);
      if (!resource) return [];
      const shown = elements ? subset(resource, elements) : resource;
      return [{ fullUrl: `${base}/${key}`, resource: shown, search: { mode: "match" } }];
    });
    entry.push(...included);
    const next = start + count < result.keys.length && !countOnly ? start + count : undefined;
    const wantsTotal = countOnly || query.get("_total") === "accurate";
    const total = wantsTotal || (rules.entryForm === "hapi" && next === undefined && start === 0);
    return {
      resourceType: "Bundle",
      id: result.bundleId,
      meta: { lastUpdated: new Date(result.at).toISOString() },
      type: "searchset",
      ...(total ? { total: result.keys.length } : {}),
      link: links(rules, result, page, next, repository),
      ...(entry.length > 0 ? { entry } : {}),
    };
  };

  const includedBy = async (request: SearchRequest): Promise<BundleEntry[]> => {
    if (!request.include && !request.revInclude) return [];
    const all = await repository.search({ ...request, count: MAX_COUNT });
    return ((all.entry ?? []) as BundleEntry[]).filter((entry) => entry.search?.mode !== "match");
  };

  return {
    search: async (page) => {
      const result = await run(page);
      const after = page.query.get("ct");
      // A continuation token names the last write seen, so that deletions between two pages shift nothing.
      const last = after === null ? 0 : Number(Buffer.from(after, "base64url").toString());
      const found = result.keys.findIndex((key) => repository.orderOf(key) > last);
      const offset = Number(page.query.get("_offset") ?? 0);
      const start = after === null ? offset : found < 0 ? result.keys.length : found;
      return answer(result, page, start, await includedBy(parse(page.type, page.query)));
    },
    page: (query, base) => {
      const result = byId.get(query.get("_getpages") ?? "");
      if (!result) throw refusal(410, "processing", "HAPI-0417: the search is no longer known");
      const page: Page = { type: result.type, query: result.query, base, noCache: false };
      return answer(result, page, Number(query.get("_getpagesoffset") ?? 0), []);
    },
    clear: () => {
      cached.clear();
      byId.clear();
    },
  };
}

function links(
  rules: Rules,
  result: Result,
  { type, query, base }: Page,
  next: number | undefined,
  repository: IndexedRepository,
): NonNullable<Bundle["link"]> {
  const self = { relation: "self", url: `${base}/${type}${query.size > 0 ? `?${query}` : ""}` };
  if (next === undefined) return [self];
  if (rules.entryForm === "hapi") {
    const count = query.get("_count") ?? String(DEFAULT_COUNT);
    const url = `${base}?_getpages=${result.bundleId}&_getpagesoffset=${next}&_count=${count}&_bundletype=searchset`;
    return [self, { relation: "next", url }];
  }
  const more = new URLSearchParams(query);
  more.set("ct", Buffer.from(String(repository.orderOf(result.keys[next - 1] ?? ""))).toString("base64url"));
  more.delete("_offset");
  return [self, { relation: "next", url: `${base}/${type}?${more}` }];
}

function parse(type: string, query: URLSearchParams): SearchRequest {
  const grouped: Record<string, string[]> = {};
  for (const [name, value] of query) {
    if (CONTROL.has(name)) continue;
    grouped[name] ??= [];
    grouped[name].push(value);
  }
  return parseSearchRequest(type as ResourceType, grouped);
}

/** `_elements`: what was asked for, what is mandatory, id and meta, marked as incomplete (search.html §3.1.1.5.8). */
function subset(resource: Resource, elements: readonly string[]): Resource {
  const kept = new Set(["resourceType", "id", "meta", ...(MANDATORY[resource.resourceType] ?? []), ...elements]);
  const shown = Object.fromEntries(Object.entries(resource).filter(([name]) => kept.has(name)));
  const marker = { system: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", code: "SUBSETTED" };
  return { ...shown, meta: { ...resource.meta, tag: [...(resource.meta?.tag ?? []), marker] } } as Resource;
}
