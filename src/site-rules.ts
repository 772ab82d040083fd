/**
 * Rules of the site: a function of the hospital's own that changes a study's resources after they are built (option MAPPING_MODULE). This file is the
 * entry for its types; docs/site-rules.md tells how to write one.
 *
 * What the function may break is bounded here: it gets copies, and its result is refused when it no longer is the same study and patient. What it adds is
 * written as `ownershipWith` tells, so that a second sync finds nothing to do.
 */
import type { Patient } from "fhir/r4";
import { StudycastError } from "./errors.ts";
import {
  type FhirVersion,
  type Issue,
  MAPPING_ROWS,
  type MappingOptions,
  type OwnedElement,
  type OwnershipTree,
  ownershipOf,
  type StudyOfInstances,
  type StudyResources,
  SUPPORTING_TYPES,
  type SupportingResource,
  TAG_SYSTEM,
  targetIn,
} from "./mapping/index.ts";
import { parseStudyId } from "./study.ts";

/** What a sync is about to write. The Endpoint is not in it: it is one for all studies. */
export type SiteResources = {
  /** Without `subject`, which depends on what the FHIR server holds. */
  imagingStudy: StudyOfInstances;
  /** Absent when the study names no Patient. */
  patient?: Patient;
  /** Devices and, where their policy is `upsert`, Practitioners, Organizations, Locations and ServiceRequests. */
  supporting: SupportingResource["resource"][];
};

export type SiteContext = {
  study: { partition: string; studyInstanceUid: string };
  /** SOURCE_ID */
  sourceId: string;
  fhirVersion: FhirVersion;
  /** Values left out or in doubt. */
  issues: readonly Issue[];
};

/** Pure: the same resources and context give the same result, at once. It may change what it is given, which is its own copy. */
export type SiteRules = (resources: SiteResources, context: SiteContext) => SiteResources;

/** A loaded module: its function, and the elements that it owns. */
export type SiteModule = { rules: SiteRules; owns: readonly OwnedElement[] };

/**
 * The resources as the site wants them.
 * @throws StudycastError MAPPING_MODULE_FAILED when the function throws, or its result is not of this study; without any of their values
 */
export function applySiteRules(
  built: StudyResources,
  { rules, owns }: SiteModule,
  options: Pick<MappingOptions, "sourceId" | "fhirVersion" | "include">,
): StudyResources {
  const { subject, supporting } = built;
  const given: SiteResources = copy({
    imagingStudy: built.imagingStudy,
    ...(subject.kind === "patient" ? { patient: subject.patient } : {}),
    supporting: supporting.map(({ resource }) => resource),
  });
  const context: SiteContext = {
    study: parseStudyId(built.study),
    sourceId: options.sourceId,
    fhirVersion: options.fhirVersion ?? "R4",
    issues: copy(built.issues),
  };
  const result = accepted(called(rules, given, context), built);
  const trees = ownershipOf(options, owns);
  const ownership = { ...trees };
  const add = (type: keyof typeof ownership, before: object, after: object) => {
    ownership[type] = ownershipWith(ownership[type], [before as Json], [after as Json], NEVER_ADDED);
  };
  add("ImagingStudy", built.imagingStudy, result.imagingStudy);
  if (subject.kind === "patient" && result.patient !== undefined) add("Patient", subject.patient, result.patient);
  const changed = supporting.map((one, index): SupportingResource => {
    const resource = result.supporting[index] ?? one.resource;
    add(resource.resourceType, one.resource, resource);
    return { ...one, resource };
  });
  return {
    ...built,
    imagingStudy: result.imagingStudy,
    subject: subject.kind === "patient" ? { ...subject, patient: result.patient ?? subject.patient } : subject,
    supporting: changed,
    ownership,
  };
}

type Json = Readonly<Record<string, unknown>>;

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Members that are `null` count as absent; lists keep theirs, which have a meaning in FHIR. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), function (this: unknown, _name: string, member: unknown) {
    return member === null && !Array.isArray(this) ? undefined : member;
  });
}

/** @param kind what the function did wrong, in words of ours: its own texts may quote a patient's data */
function failed(kind: string, cause?: unknown): StudycastError {
  return new StudycastError("MAPPING_MODULE_FAILED", { reason: kind }, { cause });
}

function called(rules: SiteRules, resources: SiteResources, context: SiteContext): unknown {
  let result: unknown;
  try {
    result = rules(resources, context);
  } catch (thrown) {
    throw failed(`it threw ${nameOf(thrown)}${placeOf(thrown)}`, thrown);
  }
  if (isJson(result) && typeof result["then"] === "function") {
    // Nobody waits for it, and what becomes of it must not end the process.
    Promise.resolve(result).catch(() => {});
    throw failed("it returned a promise");
  }
  if (!isJson(result)) throw failed("it returned no object");
  try {
    return copy(result);
  } catch (thrown) {
    throw failed("it returned what JSON cannot hold", thrown);
  }
}

function nameOf(thrown: unknown): string {
  const name = isJson(thrown) ? thrown["name"] : undefined;
  return typeof name === "string" && /^[A-Za-z]{1,40}$/.test(name) ? name : "something";
}

/** File, line and column of the first frame of the stack; never its message. */
function placeOf(thrown: unknown): string {
  const stack = isJson(thrown) && typeof thrown["stack"] === "string" ? thrown["stack"] : "";
  const place = /^\s+at .*?([\w.-]{1,64}\.[cm]?[jt]s:\d+:\d+)\)?$/m.exec(stack)?.[1];
  return place === undefined ? "" : ` at ${place}`;
}

/** @throws StudycastError when it is not the same study, patient and other resources any more */
function accepted(result: unknown, built: StudyResources): SiteResources {
  const { imagingStudy, patient, supporting }: Json = isJson(result) ? result : {};
  const study = sameResource("imagingStudy", built.imagingStudy, imagingStudy);
  const [uid, own] = built.imagingStudy.identifier ?? [];
  if (!holds(study["identifier"], uid) || !holds(study["identifier"], own))
    throw failed("imagingStudy lacks the Study Instance UID or the identifier of the source");
  if ("subject" in study) throw failed("imagingStudy has a subject, which is not the module's to say");
  if (!isKeyed(study["series"])) throw failed("imagingStudy.series is no list of objects with a uid of their own");
  const { subject } = built;
  if (subject.kind === "patient") {
    const { identifier } = sameResource("patient", subject.patient, patient);
    const { system, value } = subject.identifier;
    const kept = Array.isArray(identifier) && identifier.some((one) => one?.system === system && one?.value === value);
    if (!kept) throw failed("patient lacks the identifier that finds it");
  } else if (patient !== undefined) throw failed("there is a patient, but the study names none");
  const others: readonly unknown[] = Array.isArray(supporting) ? supporting : [];
  if (others.length !== built.supporting.length) throw failed("supporting has more or fewer resources than were given");
  built.supporting.forEach(({ resource }, index) => {
    sameResource(`supporting[${index}]`, resource, others[index]);
  });
  return result as SiteResources;
}

function sameResource(name: string, before: { resourceType: string; id?: string | undefined }, after: unknown): Json {
  if (!isJson(after)) throw failed(`${name} is missing`);
  if (after["resourceType"] !== before.resourceType || after["id"] !== before.id)
    throw failed(`${name} has another resourceType or id`);
  const tags = isJson(after["meta"]) ? after["meta"]["tag"] : undefined;
  if (!Array.isArray(tags) || !tags.some((tag) => tag?.system === TAG_SYSTEM))
    throw failed(`${name} lacks the tag ${TAG_SYSTEM}`);
  return after;
}

function holds(list: unknown, item: unknown): boolean {
  return Array.isArray(list) && list.some((one) => JSON.stringify(one) === JSON.stringify(item));
}

function isKeyed(series: unknown): boolean {
  if (series === undefined) return true;
  if (!Array.isArray(series) || !series.every((one) => isJson(one) && typeof one["uid"] === "string")) return false;
  if (new Set(series.map((one) => one.uid)).size < series.length) return false;
  return series.every((one) => isKeyed(one.instance));
}

/** Decided when a resource is made: never added to one that others made. */
const NEVER_ADDED: ReadonlySet<string> = new Set(["id", "meta", "resourceType", "implicitRules", "subject"]);

/**
 * The ownership of a resource with what the rules add where nothing is ours: items of lists are added when they are missing and never removed, other
 * elements are written as the rules say. Either stays when the rules say nothing of it any more; what they own (`owns`) does not.
 */
function ownershipWith(
  tree: OwnershipTree,
  before: readonly Json[],
  after: readonly Json[],
  never: ReadonlySet<string> = new Set(),
): OwnershipTree {
  const known = new Set(before.flatMap(Object.keys));
  const result: Record<string, OwnershipTree[string]> = { ...tree };
  for (const name of new Set(after.flatMap(Object.keys))) {
    if (never.has(name)) continue;
    const owned = tree[name];
    const values = after.map((one) => one[name]);
    if (owned?.kind === "list" || owned?.kind === "members") {
      const inside = (all: readonly Json[]) => all.flatMap((one) => one[name] ?? []).filter(isJson);
      result[name] = { ...owned, members: ownershipWith(owned.members, inside(before), inside(after)) };
    } else if (owned === undefined && !known.has(name)) {
      const isList = values.some((value) => Array.isArray(value) && value.every(isJson));
      result[name] = isList
        ? { kind: "items", owners: [], keepWhenAbsent: true }
        : { kind: "whole", keepWhenAbsent: true };
    }
  }
  return result;
}

const OWNED = /^([A-Z][A-Za-z]+)((?:\.[A-Za-z_]+)+)(?:\[(url|system)=([^\]\s]+)\])?$/;

/**
 * One entry of a module's `owns`: `Patient.generalPractitioner`, `ImagingStudy.extension[url=https://…]`, `Patient.identifier[system=https://…]`.
 * @returns undefined for what is no such path, or what the mapping itself owns
 */
export function parseOwned(text: unknown): OwnedElement | undefined {
  const [, type = "", path = "", member, value = ""] = OWNED.exec(typeof text === "string" ? text : "") ?? [];
  const first = path.split(".")[1] ?? "";
  const types: readonly string[] = ["Patient", "ImagingStudy", ...SUPPORTING_TYPES];
  if (!types.includes(type) || NEVER_ADDED.has(first) || value.startsWith("urn:studycast:")) return undefined;
  const target = type + path;
  const rows = MAPPING_ROWS.flatMap((row) =>
    (["R4", "R5"] as const).map((version) => ({ target: targetIn(row, version) ?? "", kind: row.ownership.kind })),
  );
  if (rows.some((row) => target.startsWith(`${row.target}.`) && row.kind !== "list")) return undefined;
  const same = rows.filter((row) => row.target === target);
  if (member === undefined) {
    const isOurs = same.length > 0 || rows.some((row) => row.target.startsWith(`${target}.`));
    return isOurs || /extension$/i.test(path) ? undefined : { target, ownership: { kind: "whole" } };
  }
  if (same.some((row) => row.kind !== "items")) return undefined;
  const owner = member === "url" ? { by: "url" as const, url: value } : { by: "system" as const, system: value };
  return { target, ownership: { kind: "items", owner } };
}
