/**
 * Storage of the emulator: the library's MemoryRepository with what it lacks: an index, versions that count 1, 2, 3,
 * deletions that are remembered (410), transactions that roll back, conditions as the rules say.
 *
 * Invariants: a stored resource is never mutated (every write stores a new object), so rolling back means putting the old
 * objects back; requests run one after the other (the server queues them), so `last` belongs to the request that runs.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  allOk,
  created,
  deepClone,
  globalSchema,
  matchesSearchRequest,
  type SearchRequest,
  type WithId,
} from "@medplum/core";
import {
  type CreateResourceOptions,
  type DeleteResourceOptions,
  getExtraEntries,
  MemoryRepository,
  type UpdateResourceOptions,
} from "@medplum/fhir-router";
import type { Bundle, BundleEntry, Meta, OperationOutcome, Resource } from "@medplum/fhirtypes";
import { ALLOWED_TARGETS, firstEmpty, literalTarget, referencesIn } from "./elements.ts";
import { refusal } from "./outcome.ts";
import type { Rules } from "./rules.ts";
import { createSearchIndex } from "./search-index.ts";

/** What the last write did, for the status of its answer. */
export type Write = { kind: "none" | "created" | "updated" | "unchanged" | "deleted" | "absent"; version: string };

type Row = { version: number; current: Stored | undefined; history: Resource[]; order: number };
type Stored = WithId<Resource>;

const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const META_PARAMETERS: ReadonlySet<string> = new Set(["_id", "_tag", "_lastUpdated", "_profile", "_security"]);
/** The one chain that is known; the library finds nothing by any other, so others are refused. */
const CHAIN = /^(patient|subject|subject:Patient)\.identifier$/;
const NO_WRITE: Write = { kind: "none", version: "" };

/** The library declares its store `private`; its own search walks it, so it must hold what is current. */
function storeOf(repository: MemoryRepository): Map<string, Map<string, Resource>> {
  return (repository as unknown as { resources: Map<string, Map<string, Resource>> }).resources;
}

export class IndexedRepository extends MemoryRepository {
  readonly #rules: Rules;
  readonly #rows = new Map<string, Row>();
  readonly #index = createSearchIndex();
  #undo: (() => void)[] | undefined;
  #touched = new Set<string>();
  #order = 0;
  #nextId = 1000;
  /** Ids this server chose: a create in a Bundle puts them, whatever clients may choose. */
  readonly #issued = new Set<string>();
  #writes = 0;
  /** What the last create, update or delete did. */
  last: Write = NO_WRITE;
  /** Whether a Bundle is being carried out (HAPI counts the version of a revived resource differently then). */
  inBundle = false;

  constructor(rules: Rules) {
    super();
    this.#rules = rules;
  }

  /** Versions committed by creates, updates and deletions since the start or the last `clear`. */
  get writes(): number {
    return this.#writes;
  }

  /** The live resources, in the order of their last write; do not change them. */
  live(type?: string): Stored[] {
    const rows = [...this.#rows.values()].filter((row) => row.current && (!type || row.current.resourceType === type));
    return rows.sort((a, b) => a.order - b.order).map((row) => row.current as Stored);
  }

  override clear(): void {
    super.clear();
    this.#rows.clear();
    this.#index.clear();
    this.#writes = 0;
  }

  override generateId(): string {
    const id = this.#rules.numericServerIds ? String(this.#nextId++) : randomUUID();
    this.#issued.add(id);
    return id;
  }

  /** The current resource without a copy, or undefined. */
  peek(type: string, id: string): Stored | undefined {
    return this.#rows.get(`${type}/${id}`)?.current;
  }

  override async createResource<T extends Resource>(resource: T, options?: CreateResourceOptions): Promise<WithId<T>> {
    const id = options?.assignedId && resource.id ? resource.id : this.generateId();
    return this.#store({ ...resource, id });
  }

  override async updateResource<T extends Resource>(resource: T, options?: UpdateResourceOptions): Promise<WithId<T>> {
    const id = resource.id ?? "";
    if (!ID.test(id)) throw refusal(400, "invalid", `invalid id: ${id}`);
    const row = this.#rows.get(`${resource.resourceType}/${id}`);
    if (options?.ifMatch !== undefined) this.#checkVersion(row, options.ifMatch, `${resource.resourceType}/${id}`);
    if (!row && this.#rules.numericServerIds && /^\d+$/.test(id) && !this.#issued.has(id)) {
      throw refusal(400, "processing", `HAPI-0960: Can not create resource with ID[${id}], only digits are reserved`);
    }
    if (!row && !this.#rules.updateCreate && !this.#issued.has(id)) {
      throw refusal(405, "not-supported", "clients may not choose ids here");
    }
    const before = row?.current;
    if (before && this.#rules.unchangedKeepsVersion) {
      const merged = mergeMeta(before.meta, resource.meta);
      if (isDeepStrictEqual({ ...before, meta: content(before.meta) }, { ...resource, id, meta: content(merged) })) {
        this.last = { kind: "unchanged", version: before.meta?.versionId ?? "" };
        return before as WithId<T>;
      }
      return this.#store({ ...resource, id, meta: merged } as T & { id: string });
    }
    return this.#store({ ...resource, id });
  }

  override async deleteResource(type: string, id: string, options?: DeleteResourceOptions): Promise<void> {
    const key = `${type}/${id}`;
    const row = this.#rows.get(key);
    if (!row?.current) {
      this.last = { kind: "absent", version: row ? String(row.version) : "" };
      return;
    }
    if (options?.ifMatch !== undefined && !this.#rules.conditionsIgnored) this.#checkVersion(row, options.ifMatch, key);
    this.#put(key, row.version + 1, undefined);
    this.last = { kind: "deleted", version: String(row.version + 1) };
  }

  /** The current resource without a copy; 404 or 410 when there is none. */
  read(type: string, id: string): Stored {
    const row = this.#rows.get(`${type}/${id}`);
    if (row?.current) return row.current;
    if (!row) throw refusal(404, "not-found", `Resource ${type}/${id} is not known`);
    const location = `${type}/${id}/_history/${row.version}`;
    throw refusal(410, "deleted", `Resource ${type}/${id} was deleted (version ${row.version})`, { location });
  }

  /** A copy, since the library patches what it reads in place. */
  override async readResource<T extends Resource>(type: string, id: string): Promise<T> {
    return deepClone(this.read(type, id)) as unknown as T;
  }

  override async readHistory<T extends Resource>(type: string, id: string): Promise<Bundle<T>> {
    const row = this.#rows.get(`${type}/${id}`);
    if (!row) throw refusal(404, "not-found", `Resource ${type}/${id} is not known`);
    const entry = row.history.toReversed().map((resource) => ({ resource: resource as T }));
    return { resourceType: "Bundle", type: "history", entry };
  }

  override async readVersion<T extends Resource>(type: string, id: string, version: string): Promise<T> {
    const found = this.#rows.get(`${type}/${id}`)?.history.find((resource) => resource.meta?.versionId === version);
    if (!found) throw refusal(404, "not-found", `Version ${version} of ${type}/${id} is not known`);
    return found as T;
  }

  /** All matches, uncopied, in the order of their last write. Unknown parameters are an error (400), never "no match". */
  async find<T extends Resource>(request: SearchRequest<T>): Promise<Stored[]> {
    const type: string = request.resourceType;
    const filters = request.filters ?? [];
    const known = globalSchema.types[type]?.searchParams ?? {};
    for (const { code } of filters) {
      const name = code.split(":")[0] ?? code;
      if (!(name in known) && !META_PARAMETERS.has(name) && !CHAIN.test(code)) {
        throw refusal(400, "invalid", `HAPI-0524: Unknown search parameter "${code}" for resource type "${type}"`);
      }
    }
    const indexed = filters.filter(
      ({ code, operator }) => operator === "eq" && (this.#index.covers(type, code) || CHAIN.test(code)),
    );
    const rest = filters.filter((filter) => !indexed.includes(filter));
    const [first, ...others] = indexed.map(({ code, value }) => this.#ids(type, code, value));
    const candidates = first
      ? [...first].filter((id) => others.every((ids) => ids.has(id))).map((id) => this.peek(type, id))
      : this.live(type);
    const found = candidates.filter(
      (resource) =>
        resource !== undefined &&
        (rest.length === 0 || matchesSearchRequest(resource, { resourceType: request.resourceType, filters: rest })),
    ) as Stored[];
    const order = (resource: Stored) => this.orderOf(`${type}/${resource.id}`);
    found.sort((a, b) => order(a) - order(b));
    return request.sortRules?.[0]?.descending ? found.reverse() : found;
  }

  /** `Type/id` of the resources with exactly this `system|value` identifier. */
  withIdentifier(type: string, token: string): string[] {
    return [...this.#index.ids(type, "identifier", token)].map((id) => `${type}/${id}`);
  }

  /** Ids of `type` for an indexed parameter, or for a chain to the subject's identifier. */
  #ids(type: string, code: string, value: string): Set<string> {
    if (!CHAIN.test(code)) return this.#index.ids(type, code, value);
    const patients = [...this.#index.ids("Patient", "identifier", value)].map((id) => `Patient/${id}`);
    return new Set(patients.flatMap((patient) => [...this.#index.ids(type, "subject", patient)]));
  }

  /** Position of a resource's last write among all; 0 when it is not there. */
  orderOf(key: string): number {
    return this.#rows.get(key)?.order ?? 0;
  }

  override async search<T extends Resource>(request: SearchRequest<T>): Promise<Bundle<WithId<T>>> {
    const found = (await this.find(request)) as WithId<T>[];
    const offset = request.offset ?? 0;
    const page = found.slice(offset, offset + (request.count ?? found.length));
    const entry: BundleEntry<WithId<T>>[] = page.map((resource) => ({ resource, search: { mode: "match" } }));
    if (request.include || request.revInclude) await getExtraEntries(this, request, page, entry as BundleEntry[]);
    return { resourceType: "Bundle", type: "searchset", total: found.length, entry };
  }

  override async conditionalCreate<T extends Resource>(
    resource: T,
    search: SearchRequest<T>,
    options?: CreateResourceOptions,
  ): Promise<{ resource: WithId<T>; outcome: OperationOutcome }> {
    const matches = await this.find(search);
    if (matches.length > 1)
      throw refusal(412, "multiple-matches", "HAPI-0958: the condition matches several resources");
    const existing = matches[0];
    if (!existing) {
      return { resource: await this.createResource(resource, options), outcome: created };
    }
    this.last = { kind: "unchanged", version: existing.meta?.versionId ?? "" };
    return { resource: existing as WithId<T>, outcome: allOk };
  }

  /** Runs `callback` so that nothing of it stays when it throws; nested calls join the outer one. */
  override async withTransaction<R>(callback: (repository: this) => Promise<R>): Promise<R> {
    if (this.#undo) return callback(this);
    const undo: (() => void)[] = [];
    this.#undo = undo;
    this.#touched = new Set();
    const writes = this.#writes;
    try {
      const result = await callback(this);
      if (this.#rules.integrity) this.#checkIntegrity();
      return result;
    } catch (error) {
      for (const restore of undo.reverse()) restore();
      this.#writes = writes;
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  #checkVersion(row: Row | undefined, ifMatch: string, key: string): void {
    if (!row) {
      if (this.#rules.ifMatchOnMissing === "create") return;
      // Azure: a version cannot be demanded of what never existed.
      throw refusal(404, "not-found", `Resource ${key} with version ${ifMatch} is not known`);
    }
    if (String(row.version) === ifMatch) return;
    const text = `HAPI-0989: Trying to update ${key}/_history/${ifMatch} but this is not the current version`;
    throw refusal(this.#rules.staleStatus, "conflict", text);
  }

  #store<T extends Resource>(resource: T & { id: string }): WithId<T> {
    if (this.#rules.refusesEmpty) {
      const empty = firstEmpty(resource, resource.resourceType);
      if (empty !== undefined) throw refusal(400, "structure", `${empty} is empty`);
    }
    const key = `${resource.resourceType}/${resource.id}`;
    const row = this.#rows.get(key);
    const revived = row !== undefined && row.current === undefined;
    const version = (row?.version ?? 0) + (revived && !this.inBundle ? this.#rules.revivalStep : 1);
    const source = this.#rules.unchangedKeepsVersion ? { source: `#${randomUUID().slice(0, 16)}` } : {};
    const meta: Meta = {
      ...resource.meta,
      versionId: String(version),
      lastUpdated: new Date().toISOString(),
      ...source,
    };
    const stored = { ...resource, meta };
    this.#put(key, version, stored);
    this.last = { kind: row?.current ? "updated" : "created", version: String(version) };
    return stored as WithId<T>;
  }

  #put(key: string, version: number, current: Stored | undefined): void {
    const row = this.#rows.get(key);
    const order = ++this.#order;
    const kept = [...(row?.history ?? []), ...(current ? [current] : [])];
    const history = kept.slice(Math.max(0, kept.length - this.#rules.historyLimit));
    this.#replace(key, { version, current, history, order });
    this.#undo?.push(() => this.#replace(key, row));
    this.#touched.add(key);
    this.#writes += 1;
  }

  #replace(key: string, row: Row | undefined): void {
    const before = this.#rows.get(key)?.current;
    const [type = "", id = ""] = key.split("/");
    if (before) this.#index.remove(before);
    if (row) this.#rows.set(key, row);
    else this.#rows.delete(key);
    const store = storeOf(this);
    const ofType = store.get(type) ?? new Map<string, Resource>();
    store.set(type, ofType);
    if (row?.current) {
      ofType.set(id, row.current);
      this.#index.add(row.current);
    } else ofType.delete(id);
  }

  #checkIntegrity(): void {
    for (const key of this.#touched) {
      const row = this.#rows.get(key);
      if (!row?.current) {
        const [referrer] = this.#index.referrers(key);
        if (referrer) throw refusal(409, "processing", `HAPI-0550: Unable to delete ${key}: referenced by ${referrer}`);
        continue;
      }
      this.#checkReferences(row.current);
    }
  }

  #checkReferences(resource: Stored): void {
    for (const reference of referencesIn(resource)) {
      if (/^https?:/.test(reference)) throw refusal(400, "processing", "HAPI-0507: external reference not allowed");
      if (/^urn:(uuid|oid):/.test(reference)) throw refusal(400, "processing", `HAPI-0541: placeholder ${reference}`);
      const target = literalTarget(reference);
      if (target === undefined) continue;
      const row = this.#rows.get(target);
      if (!row) throw refusal(400, "processing", `HAPI-1094: Resource ${target} not found`);
      if (!row.current) throw refusal(400, "processing", `HAPI-1096: Resource ${target} is deleted`);
    }
    for (const [path, types] of Object.entries(ALLOWED_TARGETS)) {
      const [type, element = ""] = path.split(".");
      if (type !== resource.resourceType) continue;
      const value = (resource as unknown as Record<string, unknown>)[element];
      const wrong = referencesIn(value).find((reference) => {
        const target = literalTarget(reference);
        return target !== undefined && !types.has(target.split("/")[0] ?? "");
      });
      if (wrong) throw refusal(422, "processing", `HAPI-0931: Invalid reference found at path '${path}'`);
    }
  }
}

/** The part of meta that counts when contents are compared (what the server itself sets is left out). */
function content(meta: Meta | undefined): Meta | undefined {
  if (!meta) return undefined;
  const { versionId: _version, lastUpdated: _updated, source: _source, ...rest } = meta;
  return Object.keys(rest).length > 0 ? rest : undefined;
}

/** Tags and security labels that a client leaves out stay on the resource; profiles do not. */
function mergeMeta(stored: Meta | undefined, sent: Meta | undefined): Meta {
  const merged: Meta = { ...sent };
  for (const name of ["tag", "security"] as const) {
    const all = [...(stored?.[name] ?? [])];
    for (const coding of sent?.[name] ?? []) {
      if (!all.some((other) => other.system === coding.system && other.code === coding.code)) all.push(coding);
    }
    if (all.length > 0) merged[name] = all;
  }
  return merged;
}
