/**
 * Batches and transactions (FHIR R4 http.html §3.1.0.11). A transaction resolves the identity of every entry first, rewrites
 * references to it, then deletes, creates, updates, reads, and answers in the order of the request; the first error ends it
 * and the repository rolls back. The library's own processing is not used: it rewrites identifier values too, limits a
 * conditional transaction to 8 entries and answers every change with 200.
 */
import { STATUS_CODES } from "node:http";
import { OperationOutcomeError, parseSearchRequest } from "@medplum/core";
import type { Bundle, BundleEntry, Identifier, OperationOutcome, Resource, ResourceType } from "@medplum/fhirtypes";
import { rewriteReferences } from "./elements.ts";
import type { Answer, Interaction } from "./interactions.ts";
import { headersOf, outcomeOf, refusal, statusOf } from "./outcome.ts";
import type { IndexedRepository, Write } from "./repository.ts";
import type { Rules } from "./rules.ts";

type CarryOut = (interaction: Interaction) => Promise<Answer>;
type Planned = {
  entry: BundleEntry;
  position: number;
  method: string;
  url: string;
  /** `Type/id` it reads or writes, when that is known beforehand. */
  target?: string;
  /** Answered without being carried out: a condition that found its resource, or a repeated entry. */
  answer?: Answer | "left-out";
};

/** http.html §3.1.0.11.2: the order in which a transaction is processed. */
const ORDER = ["DELETE", "POST", "PUT", "PATCH", "GET", "HEAD"];

export async function carryOutBundle(
  bundle: Bundle,
  outer: Interaction,
  repository: IndexedRepository,
  rules: Rules,
  carryOut: CarryOut,
): Promise<Bundle> {
  const entries = bundle.entry ?? [];
  if (entries.length > rules.maxEntries) {
    throw refusal(400, "too-costly", `a Bundle may hold ${rules.maxEntries} entries`);
  }
  if (bundle.type !== "batch" && bundle.type !== "transaction") {
    throw refusal(400, "invalid", `a Bundle of type ${bundle.type} cannot be processed`);
  }
  repository.inBundle = true;
  try {
    const context: Context = { outer, repository, rules, carryOut };
    const entry = bundle.type === "batch" ? await batch(entries, context) : await transaction(entries, context);
    return { resourceType: "Bundle", type: `${bundle.type}-response`, entry };
  } finally {
    repository.inBundle = false;
  }
}

type Context = { outer: Interaction; repository: IndexedRepository; rules: Rules; carryOut: CarryOut };

async function batch(entries: BundleEntry[], context: Context): Promise<BundleEntry[]> {
  const answers: BundleEntry[] = [];
  for (const entry of entries) {
    try {
      const { method, url } = requestOf(entry, context);
      answers.push(responseEntry(method, await context.carryOut(interactionOf(entry, method, url, context)), context));
    } catch (error) {
      answers.push(failedEntry(outcomeOf(error), context));
    }
  }
  return answers;
}

async function transaction(entries: BundleEntry[], context: Context): Promise<BundleEntry[]> {
  const { repository } = context;
  const planned = entries.map((entry, position): Planned => ({ entry, position, ...requestOf(entry, context) }));
  const identities = new Map<string, string>();
  for (const plan of planned) await identify(plan, planned, identities, context);
  refuseDuplicates(planned, context.rules);

  const rewrite = referenceRewriter(identities, planned, repository);
  for (const { entry, answer } of planned) {
    if (entry.resource && answer === undefined) rewriteReferences(entry.resource, rewrite);
  }
  const answers: (BundleEntry | undefined)[] = [];
  for (const plan of planned.toSorted((a, b) => ORDER.indexOf(a.method) - ORDER.indexOf(b.method))) {
    if (plan.answer === "left-out") continue;
    const answer = plan.answer ?? (await context.carryOut(interactionOf(plan.entry, plan.method, plan.url, context)));
    if (answer.status >= 400) {
      const outcome = answer.resource as OperationOutcome;
      throw answer.resource
        ? new OperationOutcomeError(outcome)
        : refusal(answer.status, "processing", "entry refused");
    }
    answers[plan.position] = responseEntry(plan.method, answer, context);
  }
  return answers.filter((entry) => entry !== undefined);
}

/** Finds out which resource an entry is about and remembers its fullUrl; conditions are resolved to plain urls. */
async function identify(plan: Planned, all: Planned[], identities: Map<string, string>, context: Context) {
  const { entry, method, url } = plan;
  const { repository, rules } = context;
  const type = url.split(/[/?]/)[0] ?? "";
  const resource = entry.resource;
  if (method === "POST" && resource && url !== "" && !url.includes("_search")) {
    const condition = entry.request?.ifNoneExist;
    if (condition !== undefined && condition !== "") {
      const existing = await single(repository, type, condition);
      if (existing) {
        const write = { kind: "unchanged", version: existing.meta?.versionId ?? "" } as const;
        plan.answer = { status: 200, resource: existing, write, target: `${type}/${existing.id}` };
        plan.target = `${type}/${existing.id}`;
      } else if (rules.duplicates === "hapi") {
        const twin = all.find((other) => other.target && other !== plan && sameCondition(other.entry, entry));
        if (twin?.target) {
          plan.target = twin.target;
          plan.answer = "left-out";
        }
      }
    }
    plan.target ??= `${type}/${repository.generateId()}`;
    resource.id = plan.target.slice(type.length + 1);
    if (plan.answer === undefined) {
      // An assigned id makes a create a plain PUT of an id that nobody has.
      plan.url = plan.target;
    }
  } else if (method === "PUT" && url.includes("?")) {
    const existing = await single(repository, type, url.slice(url.indexOf("?") + 1));
    plan.target = `${type}/${existing?.id ?? resource?.id ?? repository.generateId()}`;
    plan.url = plan.target;
    if (resource) resource.id = plan.target.slice(type.length + 1);
  } else if (/^[A-Z]\w*\/[^/?]+$/.test(url) && method !== "GET") plan.target = url;
  if (plan.target !== undefined && entry.fullUrl !== undefined) identities.set(entry.fullUrl, plan.target);
}

const sameCondition = (one: BundleEntry, other: BundleEntry): boolean =>
  one.request?.ifNoneExist === other.request?.ifNoneExist && one.request?.url === other.request?.url;

async function single(repository: IndexedRepository, type: string, condition: string): Promise<Resource | undefined> {
  const found = await repository.find(parseSearchRequest(`${type as ResourceType}?${condition}`));
  if (found.length > 1)
    throw refusal(412, "multiple-matches", `HAPI-0958: ${found.length} resources match the condition`);
  return found[0];
}

/** Two writes of one resource: never allowed by FHIR; HAPI sees it only by fullUrl or url and else spoils the history. */
function refuseDuplicates(planned: Planned[], rules: Rules): void {
  const seen = new Map<string, Planned>();
  for (const plan of planned) {
    if (plan.target === undefined || plan.answer === "left-out") continue;
    const first = seen.get(plan.target);
    if (!first) {
      seen.set(plan.target, plan);
      continue;
    }
    if (rules.duplicates === "refuse") throw refusal(400, "duplicate", `two entries are about ${plan.target}`);
    if (first.entry.fullUrl === plan.entry.fullUrl) {
      const code = plan.entry.fullUrl === undefined ? "HAPI-0535" : "HAPI-0534";
      throw refusal(
        400,
        "processing",
        `${code}: Transaction bundle contains multiple resources with ID: ${plan.target}`,
      );
    }
    // What HAPI keeps then is not predictable; here the first entry's content wins, which a careless client notices.
    plan.answer = { status: 200, write: { kind: "updated", version: "1" }, target: plan.target };
  }
}

/** References by fullUrl, relative references of a fullUrl elsewhere, and conditional references. */
function referenceRewriter(identities: Map<string, string>, planned: Planned[], repository: IndexedRepository) {
  return (reference: string): string | undefined => {
    const known = identities.get(reference);
    if (known !== undefined) return known;
    if (/^urn:(uuid|oid):/.test(reference)) return undefined;
    const conditional = /^([A-Z]\w+)\?identifier=(.+)$/.exec(reference);
    if (!conditional) return undefined;
    const [, type = "", value = ""] = conditional;
    const token = decodeURIComponent(value);
    const found = new Set(repository.withIdentifier(type, token));
    for (const { entry, target } of planned) {
      const identifiers = (entry.resource as { identifier?: Identifier[] } | undefined)?.identifier ?? [];
      const matches = identifiers.some((identifier) => `${identifier.system ?? ""}|${identifier.value}` === token);
      if (target?.startsWith(`${type}/`) && matches) found.add(target);
    }
    if (found.size === 0) throw refusal(404, "not-found", "HAPI-1091: a conditional reference matches nothing");
    if (found.size > 1) throw refusal(412, "multiple-matches", "a conditional reference matches several resources");
    return [...found][0];
  };
}

function requestOf(entry: BundleEntry, context: Context): { method: string; url: string } {
  const { method, url } = entry.request ?? {};
  if (!method || url === undefined) throw refusal(400, "required", "an entry needs request.method and request.url");
  const { base } = context.outer;
  const relative = url.startsWith(base) ? url.slice(base.length) : url;
  return { method, url: relative.replace(/^\//, "") };
}

function interactionOf(entry: BundleEntry, method: string, url: string, context: Context): Interaction {
  const { ifMatch, ifNoneMatch, ifNoneExist } = entry.request ?? {};
  // A create of a transaction has its id already (identify), so it is carried out as the PUT of that id.
  const assigned = method === "POST" && /^[A-Z]\w*\/[^/?_]+$/.test(url);
  return {
    method: assigned ? "PUT" : method,
    url,
    body: entry.resource,
    base: context.outer.base,
    headers: {
      "if-match": ifMatch,
      "if-none-match": ifNoneMatch,
      "if-none-exist": assigned ? undefined : ifNoneExist,
      "cache-control": context.outer.headers["cache-control"],
    },
  };
}

function responseEntry(method: string, answer: Answer, context: Context): BundleEntry {
  const { rules, outer } = context;
  if (answer.status >= 400) return failedEntry(answer.resource as OperationOutcome, context, answer.status);
  const hapi = rules.entryForm === "hapi";
  const status = method === "DELETE" ? 204 : answer.status;
  const prefer = outer.headers["prefer"] ?? "";
  const isRead = answer.write === undefined;
  const shown =
    isRead || (rules.entryResources === "always" ? !prefer.includes("minimal") : prefer.includes("representation"));
  const version = answer.write?.version;
  const path = `${answer.target}/_history/${version}`;
  const lastModified = answer.write?.kind === "unchanged" ? undefined : answer.resource?.meta?.lastUpdated;
  return {
    ...(shown && answer.resource && method !== "DELETE" ? { resource: answer.resource } : {}),
    response: {
      status: statusText(status, rules),
      ...(version ? { location: hapi ? path : `${outer.base}/${path}`, etag: hapi ? version : `W/"${version}"` } : {}),
      ...(lastModified ? { lastModified } : {}),
      ...(hapi && answer.write ? { outcome: storageOutcome(method, answer.write.kind) } : {}),
    },
  };
}

const STORAGE_CODES: Readonly<Record<Write["kind"], string>> = {
  none: "SUCCESSFUL_OPERATION",
  created: "SUCCESSFUL_CREATE",
  updated: "SUCCESSFUL_UPDATE",
  unchanged: "SUCCESSFUL_UPDATE_NO_CHANGE",
  deleted: "SUCCESSFUL_DELETE",
  absent: "SUCCESSFUL_DELETE_NOT_FOUND",
};

/** HAPI says in every entry what it did, by a code of its own. */
function storageOutcome(method: string, kind: Write["kind"]): OperationOutcome {
  const code = kind === "created" && method === "PUT" ? "SUCCESSFUL_UPDATE_AS_CREATE" : STORAGE_CODES[kind];
  const system = "https://hapifhir.io/fhir/CodeSystem/hapi-fhir-storage-response-code";
  return {
    resourceType: "OperationOutcome",
    issue: [{ severity: "information", code: "informational", details: { coding: [{ system, code }] } }],
  };
}

function failedEntry(outcome: OperationOutcome, { rules }: Context, status = statusOf(outcome)): BundleEntry {
  const { location } = headersOf(outcome);
  return {
    response: { status: statusText(status, rules), outcome, ...(location === undefined ? {} : { location }) },
  };
}

/** HAPI says `201 Created`, Azure only `201`; both are allowed (Bundle.entry.response.status starts with the code). */
function statusText(status: number, rules: Rules): string {
  return rules.entryForm === "hapi" ? `${status} ${STATUS_CODES[status]}` : String(status);
}
