import type { FeedEntry } from "./backend.ts";
import type { Context } from "./context.ts";
import { jsonString } from "./dicom-json.ts";
import { badBlobOf, type Faults } from "./faults.ts";
import { HttpError, reply } from "./http-reply.ts";
import { booleanParameter, integerParameter, invalid, lastValue, type Query } from "./http-request.ts";
import { firstTick, formatTicks, lastTick, parseTicks } from "./ticks.ts";

const maxOffset = Number.MAX_SAFE_INTEGER * 1024;

/** `GET changefeed`: a window of sequences on v1, a window of time with row paging on v2 (contract §1.1). */
export function getFeed({ api, backend, faults, query, response }: Context): void {
  const withMetadata = booleanParameter(query, "includeMetadata", true);
  const entries = api === 1 ? sequenceWindow(backend, query) : timeWindow(backend, query);
  const texts = entries.map((entry) => entryText(entry, withMetadata, faults));
  reply(response, 200, `[${texts.join(",")}]`, "application/json; charset=utf-8");
}

/** `GET changefeed/latest`: 204 on an empty feed. */
export function getLatest({ api, backend, faults, query, response }: Context): void {
  const withMetadata = booleanParameter(query, "includeMetadata", true);
  const entry = backend.latest(api === 1 ? "sequence" : "time");
  if (!entry) reply(response, 204);
  else reply(response, 200, entryText(entry, withMetadata, faults), "application/json; charset=utf-8");
}

function sequenceWindow(backend: Context["backend"], query: Query): readonly FeedEntry[] {
  const offset = integerParameter(query, "offset", 0, 0, maxOffset);
  const limit = integerParameter(query, "limit", 10, 1, 100);
  return backend.feedBySequence(offset, offset + limit);
}

function timeWindow(backend: Context["backend"], query: Query): readonly FeedEntry[] {
  const offset = integerParameter(query, "Offset", 0, 0, maxOffset);
  const limit = integerParameter(query, "Limit", 100, 1, 200);
  const start = timeParameter(query, "StartTime", firstTick);
  const end = timeParameter(query, "EndTime", lastTick);
  if (end <= start) throw invalid("", "The end time must be after the start time.");
  return backend.feedByTime(start, end, offset, limit);
}

function timeParameter(query: Query, name: string, fallback: bigint): bigint {
  const text = lastValue(query, name);
  if (text === undefined) return fallback;
  const ticks = parseTicks(text);
  if (ticks === undefined) throw invalid(name, "");
  return ticks;
}

/** One bad blob fails the whole page (contract §1.2): 503 when it does not parse, 500 when it is gone. */
function metadataText(entry: FeedEntry, faults: Faults): string | undefined {
  if (!entry.current) return undefined;
  const bad = badBlobOf(faults, entry);
  if (bad)
    throw bad.kind === "gone"
      ? new HttpError(500, "Internal server error.")
      : new HttpError(503, "The data store operation failed.");
  return entry.current.json();
}

function entryText(entry: FeedEntry, withMetadata: boolean, faults: Faults): string {
  const documented = faults.documentedCasing;
  const metadata = withMetadata ? metadataText(entry, faults) : undefined;
  const word = (text: string) => jsonString(documented ? text.toLowerCase() : text);
  const members: [string, string | undefined][] = [
    ["sequence", String(entry.sequence)],
    ["partitionName", jsonString(entry.partition)],
    ["studyInstanceUid", jsonString(entry.study)],
    ["seriesInstanceUid", jsonString(entry.series)],
    ["sopInstanceUid", jsonString(entry.instance)],
    ["action", word(entry.action)],
    ["timestamp", jsonString(formatTicks(entry.timestamp, documented ? "Z" : "+00:00")).replaceAll("\\u002B", "+")],
    ["state", word(entry.state)],
    ["metadata", metadata],
  ];
  for (const [name, value] of Object.entries(entry.overrides ?? {})) {
    const text = value === undefined ? undefined : JSON.stringify(value);
    const index = members.findIndex(([known]) => known === name);
    if (index >= 0) members[index] = [name, text];
    else members.push([name, text]);
  }
  const written = members.filter(([, text]) => text !== undefined);
  return `{${written.map(([name, text]) => `"${documented ? pascal(name) : name}":${text}`).join(",")}}`;
}

function pascal(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
