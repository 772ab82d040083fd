/**
 * Why a study's resources are what they are: for each element the attributes it is from, the rule, what was outvoted and what was left out. It asks the
 * same table, readers and votes that a sync uses: what the build tells its observer, beside the resources it gives.
 */
import type { StudyId } from "../study.ts";
import { buildStudy, countReadingIssues, type StudyResources } from "./build-study.ts";
import { standalone } from "./collection.ts";
import { isRecord } from "./dataset.ts";
import { partOf, valueAt } from "./explain-elements.ts";
import { type Place, placeKey, placesIn } from "./explain-sources.ts";
import type { Include } from "./includes.ts";
import type { InstanceAttributes } from "./instance-attributes.ts";
import { type Issue, type IssueKey, listIssues } from "./issues.ts";
import type { BuildObserver, Election, SeriesMembers } from "./observer.ts";
import type { MappingOptions } from "./options.ts";
import { type MappingRow, targetIn } from "./rows/row.ts";
import { MAPPING_ROWS } from "./rows.ts";
import { type Keyword, tagOf } from "./tags.ts";
import type { Candidate } from "./vote.ts";

/** A value with how many instances say it. */
export type Said = { value: unknown; instances: number };

export type ExplainedElement = {
  /** `Type/id` */
  resource: string;
  /** Path of the element. */
  element: string;
  /** Which items of a list. */
  slice?: string | undefined;
  /** UID of the series that the element is of. */
  series?: string | undefined;
  /** What is written; absent: nothing. Of elements of instances `values` instead. */
  value?: unknown;
  /** The most frequent values of an element of instances. */
  values?: Said[];
  /** The attributes that have a value, with how many instances have it. `within`: the sequence it stands in. */
  from: { tag: string; keyword: Keyword; within?: Keyword | undefined; instances: number }[];
  /** How many instances were asked: of the series, or of the study. */
  instances: number;
  rule: string;
  source: string;
  /** Not written, because MAPPING_INCLUDE or PROFILES does not name this. */
  notAsked?: Include | undefined;
  /** How many instances say the value that was elected. */
  votes?: number | undefined;
  /** Values that were outvoted. */
  lost: Said[];
  issues: Issue[];
  /** The site's rules (MAPPING_MODULE) have the last word on the value. */
  changed?: true;
};

export type StudyExplanation = { resources: StudyResources; instances: number; elements: ExplainedElement[] };

const MAX_VALUES = 20;

/** Collects a study's datasets, then explains. Memory grows with the instances as in a sync. */
export type Explainer = {
  add(dataset: unknown, attributes: InstanceAttributes): void;
  /** @throws nothing; needs at least one instance */
  explain(): StudyExplanation;
};

/** @param adjust what the site's rules do to the resources */
export function createExplainer(
  study: StudyId,
  options: MappingOptions,
  adjust: (resources: StudyResources) => StudyResources = (resources) => resources,
): Explainer {
  const places = new Map<InstanceAttributes, readonly Place[]>();
  // Nearly all instances of a study hold the same attributes.
  const shared = new Map<string, readonly Place[]>();
  return {
    add(dataset, attributes) {
      const found = placesIn(dataset);
      const key = found.map(placeKey).join();
      const known = shared.get(key) ?? found;
      shared.set(key, known);
      places.set(attributes, known);
    },
    explain: () => explain(study, places, options, adjust),
  };
}

type Told = { series: readonly SeriesMembers[]; elections: Election[]; issuesOf: Map<string, Map<IssueKey, number>> };

function explain(
  study: StudyId,
  places: ReadonlyMap<InstanceAttributes, readonly Place[]>,
  options: MappingOptions,
  adjust: (resources: StudyResources) => StudyResources,
): StudyExplanation {
  const told: Told = { series: [], elections: [], issuesOf: new Map() };
  const issuesOf = (uid: string) => {
    const issues = told.issuesOf.get(uid) ?? new Map<IssueKey, number>();
    told.issuesOf.set(uid, issues);
    return issues;
  };
  const observer: BuildObserver = {
    grouped(series) {
      told.series = series;
      for (const { uid, members } of series) countReadingIssues(members, issuesOf(uid));
    },
    elected: (election) => told.elections.push(election),
    counted(series, keyword, code, count) {
      if (series === undefined) return;
      const issues = issuesOf(series);
      const key: IssueKey = `${keyword} ${code}`;
      issues.set(key, (issues.get(key) ?? 0) + count);
    },
  };
  const built = buildStudy(study, places.keys(), options, observer);
  const resources = adjust(built);
  const all = told.series.flatMap(({ members }) => members);
  const whole: Scope = {
    level: "study",
    uid: undefined,
    members: all,
    counts: countPlaces(all, places),
    issues: resources.issues,
  };
  const bySeries = told.series.map(
    ({ uid, members }): Scope => ({
      level: "series",
      uid,
      members,
      counts: countPlaces(members, places),
      issues: listIssues(issuesOf(uid)),
    }),
  );
  const before = writtenOf(built);
  const elements = writtenOf(resources).flatMap((resource, index) => {
    const rows = rowsFor(String(resource["resourceType"]), options);
    const old = before[index] ?? {};
    const explained = rows.flatMap(({ row, target, siblings }) => {
      const about = { resource, before: old, row, target, siblings, elections: told.elections, options };
      return target.startsWith("ImagingStudy.series.")
        ? bySeries.flatMap((scope) => explainRow(about, scope))
        : explainRow(about, { ...whole, level: isOfPatient(target) ? "patient" : "study" });
    });
    return [...explained, ...addedElements(resource, old, rows, all.length)];
  });
  return { resources, instances: all.length, elements };
}

/** The resources in the order in which they are told. */
function writtenOf(resources: StudyResources): Resource[] {
  const { subject, supporting } = resources;
  return [
    ...(subject.kind === "patient" ? [{ ...subject.patient }] : []),
    standalone(resources),
    ...supporting.map(({ resource }) => ({ ...resource })),
  ];
}

/** What the site's rules have added where the table has no row. */
function addedElements(
  resource: Resource,
  before: Resource,
  rows: readonly RowOf[],
  instances: number,
): ExplainedElement[] {
  const type = resource["resourceType"];
  return Object.entries(resource)
    .filter(([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value))
    .filter(([name]) => !rows.some(({ target }) => target.split(".")[1] === name))
    .map(([name, value]) => ({
      resource: `${type}/${resource["id"]}`,
      element: `${type}.${name}`,
      value,
      from: [],
      instances,
      rule: "The site's own rule",
      source: "MAPPING_MODULE",
      lost: [],
      issues: [],
      changed: true,
    }));
}

type Resource = Readonly<Record<string, unknown>>;
type Scope = {
  level: Election["level"];
  uid: string | undefined;
  members: readonly InstanceAttributes[];
  counts: ReadonlyMap<string, { place: Place; instances: number }>;
  issues: readonly Issue[];
};
type RowOf = { row: MappingRow; target: string; siblings: readonly MappingRow[] };
type About = RowOf & { resource: Resource; before: Resource; elections: readonly Election[]; options: MappingOptions };

function rowsFor(type: string, { fhirVersion = "R4" }: MappingOptions): RowOf[] {
  const rows = MAPPING_ROWS.flatMap((row) => {
    const target = targetIn(row, fhirVersion);
    return target?.startsWith(`${type}.`) ? [{ row, target }] : [];
  });
  return rows.map(({ row, target }) => ({
    row,
    target,
    siblings: rows.filter((one) => one.target === target).map((one) => one.row),
  }));
}

function isOfPatient(target: string): boolean {
  return target.startsWith("Patient.") || target === "ImagingStudy.subject";
}

/** Nothing for a row that writes nothing and has nothing to tell. */
function explainRow(
  { resource, before, row, target, siblings, elections, options }: About,
  scope: Scope,
): ExplainedElement[] {
  const path = target.split(".").slice(1);
  const written = writtenAt(resource, path, scope.uid);
  const value = path[1] === "instance" ? written : partOf(row, siblings, written);
  const from = sourcesOf(row, scope);
  const [winner, ...lost] = electionOf(row, scope, elections);
  const issues = scope.issues.filter(({ keyword }) => row.tags.some((tag) => tag === keyword));
  const isChanged = JSON.stringify(written) !== JSON.stringify(writtenAt(before, path, scope.uid));
  const isAsked = row.optIn === undefined || options.include?.has(row.optIn) === true;
  if (value === undefined && from.length === 0 && issues.length === 0 && !isChanged) return [];
  const isOfInstances = path[1] === "instance" && path.length > 2;
  const shown = isOfInstances ? { values: frequent(value) } : value === undefined ? {} : { value };
  return [
    {
      resource: `${resource["resourceType"]}/${resource["id"]}`,
      element: target,
      ...(row.slice === undefined ? {} : { slice: row.slice }),
      ...(scope.uid === undefined ? {} : { series: scope.uid }),
      ...shown,
      from,
      instances: scope.members.length,
      rule: row.rule,
      source: row.source,
      ...(isAsked ? {} : { notAsked: row.optIn }),
      ...(winner === undefined || value === undefined ? {} : { votes: winner.instances }),
      ...(isChanged ? { changed: true } : {}),
      lost: isAsked ? lost.slice(0, MAX_VALUES).map(said) : [],
      issues,
    },
  ];
}

/** Long lists are told by their keys: series by UID, instances by SOP Instance UID. */
function writtenAt(resource: Resource, path: readonly string[], series: string | undefined): unknown {
  if (path[0] !== "series") return valueAt(resource, path);
  const all: readonly unknown[] = Array.isArray(resource["series"]) ? resource["series"] : [];
  if (path.length === 1) return valueAt(all, ["uid"]);
  const found = valueAt(
    all.find((one) => isRecord(one) && one["uid"] === series),
    path.slice(1),
  );
  return path.length === 2 && path[1] === "instance" ? valueAt(found, ["uid"]) : found;
}

function frequent(values: unknown): Said[] {
  const counts = new Map<string, Said>();
  for (const value of Array.isArray(values) ? values : []) {
    const key = JSON.stringify(value);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { value, instances: 1 });
    else known.instances++;
  }
  return [...counts.values()].sort((a, b) => b.instances - a.instances).slice(0, MAX_VALUES);
}

function countPlaces(
  members: readonly InstanceAttributes[],
  places: ReadonlyMap<InstanceAttributes, readonly Place[]>,
): Scope["counts"] {
  const counts = new Map<string, { place: Place; instances: number }>();
  for (const member of members)
    for (const place of places.get(member) ?? []) {
      const known = counts.get(placeKey(place));
      if (known === undefined) counts.set(placeKey(place), { place, instances: 1 });
      else known.instances++;
    }
  return counts;
}

function sourcesOf({ tags }: MappingRow, { counts }: Scope): ExplainedElement["from"] {
  return tags.flatMap((keyword) =>
    [...counts.values()]
      .filter(({ place }) => place.keyword === keyword)
      .filter(({ place: { within } }) => within === undefined || isReadThere(within, tags))
      .map(({ place: { within }, instances }) => ({
        tag: tagOf(keyword),
        keyword,
        ...(within === undefined ? {} : { within }),
        instances,
      })),
  );
}

/** Frames are looked at wherever the row names what stands in them; requests where the row names them. */
function isReadThere(within: Keyword, tags: readonly Keyword[]): boolean {
  return within.endsWith("FunctionalGroupsSequence") || tags.includes(within);
}

function electionOf(row: MappingRow, { level, uid }: Scope, elections: readonly Election[]): Candidate<unknown>[] {
  const held = elections.filter((one) => one.level === level && one.series === uid && row.tags.includes(one.keyword));
  const election =
    held.find(({ keyword }) => keyword === row.tags[0]) ?? held.find(({ keyword }) => !isAnothers(keyword, level));
  return election === undefined ? [] : [...election.candidates];
}

/** Whether an attribute is the first source of some row of the level, so that its election is that row's. */
function isAnothers(keyword: Keyword, level: Election["level"]): boolean {
  return MAPPING_ROWS.some((row) => levelOf(row) === level && row.tags[0] === keyword);
}

function levelOf(row: MappingRow): Election["level"] {
  const target = targetIn(row, "R4") ?? targetIn(row, "R5") ?? "";
  if (isOfPatient(target)) return "patient";
  return target.startsWith("ImagingStudy.series.") ? "series" : "study";
}

/** A candidate as it would have been written, as far as that is known before a FHIR version is chosen. */
function said({ value, instances }: Candidate<unknown>): Said {
  if (!isRecord(value)) return { value, instances };
  const { dateTime, kind, system, value: id } = value;
  if (dateTime !== undefined) return { value: dateTime, instances };
  return { value: kind === "known" ? { system, value: id } : value, instances };
}
