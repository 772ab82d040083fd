import { tagOf } from "./dictionary.ts";
import { HttpError } from "./http-reply.ts";
import { booleanParameter, integerParameter, invalid, type Query } from "./http-request.ts";
import { isUid } from "./store-rules.ts";
import { instanceFilters, seriesFilters, studyFilters, tag } from "./tags.ts";

export type Level = "study" | "series" | "instance";

export type QueryFilter = { readonly tag: string; readonly value: string };

export type SearchRequest = {
  readonly limit: number;
  readonly offset: number;
  readonly fuzzy: boolean;
  readonly filters: readonly QueryFilter[];
  /** Tags asked for besides the defaults, or all. */
  readonly include: "all" | readonly string[];
};

const reserved = new Set(["limit", "offset", "fuzzymatching", "includefield"]);
const dates: ReadonlySet<string> = new Set([tag.studyDate, tag.birthDate, tag.stepStartDate]);
const uids: ReadonlySet<string> = new Set([tag.study, tag.series, tag.sopInstance]);
const names: ReadonlySet<string> = new Set([tag.patientName, tag.referringPhysicianName]);

export const isDateTag = (item: string): boolean => dates.has(item);
export const isUidTag = (item: string): boolean => uids.has(item);
export const isNameTag = (item: string): boolean => names.has(item);

/** Attributes a resource can be searched by: those of its levels that the path does not fix (contract §4.2). */
export function filtersOf(level: Level, path: { study?: string; series?: string }): readonly string[] {
  return [
    ...(path.study === undefined ? studyFilters : []),
    ...(level !== "study" && path.series === undefined ? seriesFilters : []),
    ...(level === "instance" ? instanceFilters : []),
  ];
}

/** Reads a QIDO-RS query; 400 for whatever the service refuses. */
export function parseSearch(query: Query, level: Level, path: { study?: string; series?: string }): SearchRequest {
  const limit = integerParameter(query, "limit", 100, 1, 200);
  const offset = integerParameter(query, "offset", 0, 0, Number.MAX_SAFE_INTEGER);
  const fuzzy = booleanParameter(query, "fuzzymatching", false);
  const allowed = filtersOf(level, path);
  const filters: QueryFilter[] = [];
  for (const { name, value } of query) {
    if (reserved.has(name.toLowerCase())) continue;
    const item = tagOf(name);
    if (item === undefined || !allowed.includes(item))
      throw invalid(name, "The attribute is not supported for this search.");
    if (filters.some((filter) => filter.tag === item)) throw invalid(name, "The attribute is given more than once.");
    checkValue(name, item, value, fuzzy);
    filters.push({ tag: item, value: value.trim() });
  }
  return { limit, offset, fuzzy, filters, include: parseInclude(query) };
}

function checkValue(name: string, item: string, value: string, fuzzy: boolean): void {
  if (value.trim() === "") throw invalid(name, "The value is empty.");
  if (isUidTag(item) && !value.split(/[,\\]/).every((uid) => isUid(uid)))
    throw invalid(name, "The value is not a valid UID.");
  if (isDateTag(item) && !/^(\d{8}(-(\d{8})?)?|-\d{8})$/.test(value.trim()))
    throw invalid(name, "The value is not a date or a range.");
  if (fuzzy && isNameTag(item) && value.includes('"')) throw invalid(name, "The value contains an invalid character.");
}

function parseInclude(query: Query): "all" | string[] {
  const given = query
    .filter(({ name }) => name.toLowerCase() === "includefield")
    .flatMap(({ value }) => value.split(","));
  if (given.some((field) => field.toLowerCase() === "all")) {
    if (given.length > 1) throw new HttpError(400, "'all' cannot be combined with other fields.");
    return "all";
  }
  return given.map((field) => tagOf(field.trim()) ?? unknownField(field));
}

function unknownField(field: string): never {
  throw invalid("includefield", `The attribute '${field}' is unknown.`);
}
