/**
 * The boundary of the feed: each element of a page is read by itself, so that one bad element cannot hide the others. Member names and enum values
 * are compared without case (the service, its documentation and its swagger disagree on it); unknown members are ignored.
 */
import { DEFAULT_PARTITION } from "../study.ts";
import { textToTicks } from "./ticks.ts";

export type FeedAction = "create" | "update" | "delete" | "unknown";
export type FeedState = "current" | "replaced" | "deleted" | "unknown";

/** One change. `ticks` counts 100 ns since the Unix epoch; `series` and `sop` are empty when the feed gives no usable UID for them. */
export type Entry = {
  sequence: number;
  ticks: bigint;
  action: FeedAction;
  state: FeedState;
  partition: string;
  study: string;
  series: string;
  sop: string;
};

/** An element that cannot be used as it is; `what` names the member, never its value. */
export type RejectedEntry = { sequence: number | undefined; code: "FEED_ENTRY_INVALID"; what: string };

const ACTIONS: ReadonlySet<FeedAction> = new Set(["create", "update", "delete"] as const);
/** It begins with a digit, so that no path made of it leads elsewhere, as `..` would. */
const PLAIN_UID = /^[0-9][0-9.]{0,63}$/;
const STATES: ReadonlySet<FeedState> = new Set(["current", "replaced", "deleted"] as const);

/**
 * Reads the elements of a page. An element whose study is known but whose series or instance is not is both an entry (its study must be synced) and
 * rejected (a person must hear of it). An unreadable timestamp counts as `nowTicks`: a hole beside it then waits longer, never shorter.
 */
export function parseEntries(
  elements: readonly unknown[],
  nowTicks: bigint,
): { entries: Entry[]; rejected: RejectedEntry[] } {
  const entries: Entry[] = [];
  const rejected: RejectedEntry[] = [];
  for (const element of elements) {
    const parsed = parseEntry(element, nowTicks);
    if (parsed.what !== undefined)
      rejected.push({ sequence: parsed.entry?.sequence, code: "FEED_ENTRY_INVALID", what: parsed.what });
    if (parsed.entry !== undefined && parsed.entry.study !== "" && parsed.entry.partition !== "")
      entries.push(parsed.entry);
  }
  return { entries, rejected };
}

/** One element: `entry` whenever its sequence is usable (unusable texts are empty), `what` the first member that is not usable. */
export function parseEntry(element: unknown, nowTicks: bigint): { entry?: Entry; what?: string } {
  if (typeof element !== "object" || element === null || Array.isArray(element)) return { what: "entry" };
  const members = element as Record<string, unknown>;
  const raw = typeof members["sequence"] === "number" ? members : lowerCased(members);
  const sequence = sequenceOf(raw["sequence"]);
  if (sequence === undefined) return { what: "sequence" };
  const study = uid(raw["studyInstanceUid"] ?? raw["studyinstanceuid"]);
  const series = uid(raw["seriesInstanceUid"] ?? raw["seriesinstanceuid"]);
  const sop = uid(raw["sopInstanceUid"] ?? raw["sopinstanceuid"]);
  const partition = partitionOf(raw["partitionName"] ?? raw["partitionname"]);
  const entry: Entry = {
    sequence,
    ticks: textToTicks(raw["timestamp"]) ?? nowTicks,
    action: enumValue(ACTIONS, raw["action"]),
    state: enumValue(STATES, raw["state"]),
    partition,
    study,
    series,
    sop,
  };
  if (study !== "" && series !== "" && sop !== "" && partition !== "") return { entry };
  const what =
    study === ""
      ? "studyInstanceUid"
      : partition === ""
        ? "partitionName"
        : series === ""
          ? "seriesInstanceUid"
          : "sopInstanceUid";
  return { entry, what };
}

/** The slow way, for the documented casing: names in lower case; of two that differ in case only, the first counts. */
function lowerCased(members: Record<string, unknown>): Record<string, unknown> {
  const lower: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(members)) lower[name.toLowerCase()] ??= value;
  return lower;
}

/** A sequence is an int64; one that does not fit a double exactly cannot be told from its neighbours. */
function sequenceOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && Number(number) > 0 ? Number(number) : undefined;
}

/** DICOM PS3.5 §9: digits and dots, a digit first, at most 64; trailing spaces and NULs are padding. Empty when it is no UID. */
function uid(value: unknown): string {
  if (typeof value !== "string") return "";
  if (PLAIN_UID.test(value)) return value;
  let end = value.length;
  while (end > 0 && (value.charCodeAt(end - 1) === 32 || value.charCodeAt(end - 1) === 0)) end--;
  const first = value.charCodeAt(0);
  if (end === 0 || end > 64 || first < 48 || first > 57) return "";
  for (let at = 0; at < end; at++) {
    const code = value.charCodeAt(at);
    if ((code < 48 || code > 57) && code !== 46) return "";
  }
  return end === value.length ? value : value.slice(0, end);
}

function partitionOf(value: unknown): string {
  if (value === undefined || value === null || value === DEFAULT_PARTITION) return DEFAULT_PARTITION;
  return typeof value === "string" && /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : "";
}

function enumValue<T extends string>(values: ReadonlySet<T>, value: unknown): T | "unknown" {
  if (typeof value !== "string") return "unknown";
  const lower = value.toLowerCase();
  return values.has(lower as T) ? (lower as T) : "unknown";
}
