/**
 * One FHIR interaction (alone or as an entry of a Bundle) to one answer. The library's router carries out instance-level
 * interactions on the repository; searches, reads and Bundles are answered here because the library lacks what they need.
 */
import { globalSchema, isOk } from "@medplum/core";
import { FhirRouter, type HttpMethod } from "@medplum/fhir-router";
import type { Bundle, Resource } from "@medplum/fhirtypes";
import { carryOutBundle } from "./bundle.ts";
import { capabilityStatement } from "./capability.ts";
import { headersOf, outcomeOf, refusal, statusOf, success } from "./outcome.ts";
import type { IndexedRepository, Write } from "./repository.ts";
import type { Rules } from "./rules.ts";
import { createSearching } from "./searching.ts";

export type Interaction = {
  method: string;
  /** Relative to the base: `Patient/1`, `Patient?identifier=…`, `` (the base itself). */
  url: string;
  /** Lower-case names: if-match, if-none-match, if-none-exist, cache-control, prefer. */
  headers: Readonly<Record<string, string | undefined>>;
  body: unknown;
  /** Absolute base of links and locations. */
  base: string;
};

/** `write` is set when something was written (or would have been): its version makes etag and location. */
export type Answer = {
  status: number;
  resource?: Resource;
  headers?: Readonly<Record<string, string>>;
  write?: Write;
  /** `Type/id` of what was read or written. */
  target?: string;
};

export type Interactions = {
  carryOut(interaction: Interaction): Promise<Answer>;
  clear(): void;
};

const SEARCH_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export function createInteractions(repository: IndexedRepository, rules: Rules, now: () => number): Interactions {
  const router = new FhirRouter();
  const searching = createSearching(repository, rules, now);

  const carryOut = async (interaction: Interaction): Promise<Answer> => {
    const { method, url, headers, base } = interaction;
    const at = url.indexOf("?");
    const path = (at < 0 ? url : url.slice(0, at)).split("/").filter((part) => part !== "");
    const query = new URLSearchParams(at < 0 ? "" : url.slice(at + 1));
    const [type = "", id = "", ...more] = path;
    const noCache = /no-cache|no-store/.test(headers["cache-control"] ?? "");

    if (method === "POST" && path.length === 0) return bundle(interaction);
    if (path.length > 0 && type !== "metadata" && !(type in globalSchema.types)) {
      throw refusal(404, "not-supported", `HAPI-0302: Unknown resource type '${type}'`);
    }
    if (SEARCH_METHODS.has(method)) {
      if (query.has("_getpages")) return { status: 200, resource: searching.page(query, base) };
      if (type === "metadata") return { status: 200, resource: capabilityStatement(rules, base) };
      if (path.length === 1) return { status: 200, resource: await searching.search({ type, query, base, noCache }) };
      if (path.length === 2) return { status: 200, resource: repository.read(type, id), target: `${type}/${id}` };
    }
    if (method === "POST" && path.length === 2 && id === "_search") {
      for (const [name, value] of formOf(interaction.body)) query.append(name, value);
      return { status: 200, resource: await searching.search({ type, query, base, noCache }) };
    }
    if (more.length > 0 && method !== "GET") throw refusal(405, "not-supported", "not supported");
    return route(interaction, type, id);
  };

  const bundle = async (interaction: Interaction): Promise<Answer> => {
    const body = interaction.body as Bundle | undefined;
    if (body?.resourceType !== "Bundle") throw refusal(400, "invalid", "the base takes a Bundle");
    const run = async (): Promise<Bundle> => carryOutBundle(body, interaction, repository, rules, carryOut);
    return { status: 200, resource: await (body.type === "transaction" ? repository.withTransaction(run) : run()) };
  };

  const route = async (interaction: Interaction, type: string, id: string): Promise<Answer> => {
    const { method, url, headers } = interaction;
    let body = interaction.body as (Resource & Record<string, unknown>) | undefined;
    if ((method === "PUT" || method === "POST") && body?.resourceType !== type) {
      throw refusal(400, "invalid", `a resource of type ${type} is expected`);
    }
    if (method === "PUT" && id !== "" && rules.urlIdWinsInBundle && repository.inBundle)
      body = { ...(body as Resource), id } as typeof body;
    if (method === "PUT" && id !== "" && headers["if-none-match"] === "*" && !rules.conditionsIgnored) {
      if (repository.peek(type, id)) throw refusal(rules.staleStatus, "conflict", "the resource exists");
    }
    repository.last = { kind: "none", version: "" };
    const ifMatch = headers["if-match"];
    const request = (): ReturnType<FhirRouter["handleRequest"]> =>
      router.handleRequest(
        {
          method: method as HttpMethod,
          url,
          pathname: "",
          params: {},
          query: {},
          body,
          headers: {
            ...(ifMatch === undefined ? {} : { "if-match": etag(ifMatch, rules) }),
            ...(headers["if-none-exist"] === undefined ? {} : { "if-none-exist": headers["if-none-exist"] }),
          },
        },
        repository,
      );
    // A transaction of its own (or of the Bundle), so that a write that breaks integrity is taken back.
    const [outcome, resource] = await repository.withTransaction(request);
    const status = statusOf(outcome);
    if (status >= 400 || !isOk(outcome)) return { status, resource: outcome, headers: headersOf(outcome) };
    return written(method, repository.last, resource, `${type}/${resource?.id ?? id}`);
  };

  const written = (method: string, write: Write, resource: Resource | undefined, target: string): Answer => {
    if (method === "DELETE") {
      const status = rules.deleteAnswersOutcome ? 200 : 204;
      const said = rules.deleteAnswersOutcome ? { resource: success(write.kind) } : {};
      return { status, ...said, write, target };
    }
    if (write.kind === "none") return { status: 200, ...(resource ? { resource } : {}) };
    return { status: write.kind === "created" ? 201 : 200, ...(resource ? { resource } : {}), write, target };
  };

  return {
    carryOut: async (interaction) => {
      try {
        return await carryOut(interaction);
      } catch (error) {
        const outcome = outcomeOf(error);
        return { status: statusOf(outcome), resource: outcome, headers: headersOf(outcome) };
      }
    },
    clear: () => searching.clear(),
  };
}

/** The router reads `"3"` and `W/"3"` only; HAPI takes a bare 3 as well, Azure refuses it. */
function etag(value: string, rules: Rules): string {
  if (/"[^"]+"/.test(value)) return value;
  if (rules.entryForm === "hapi") return `W/"${value}"`;
  throw refusal(400, "invalid", 'If-Match must have the form W/"version"');
}

function formOf(body: unknown): URLSearchParams {
  return body instanceof URLSearchParams ? body : new URLSearchParams();
}
