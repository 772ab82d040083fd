/** HTTP of the change feed. Pages are windows of sequences (API v1), read without metadata. Classifies failures; never waits, never retries. */
import type { Dispatcher } from "undici";
import type { Authorize } from "../auth/index.ts";
import { StudycastError } from "../errors.ts";
import { type FailureCodes, get } from "../get.ts";
import { parseForeignJson } from "../json-weight.ts";
import { type Entry, parseEntries, parseEntry, type RejectedEntry } from "./entry.ts";
import { msToTicks, ticksToText } from "./ticks.ts";

export type FeedClientOptions = {
  /** Root of the DICOM service, without a version. */
  url: string;
  authorize?: Authorize | undefined;
  dispatcher?: Dispatcher | undefined;
  requestTimeoutMs: number;
  /** Greatest body that is read, unzipped. */
  maxBytes: number;
};

/** One window of the feed as it read at `serverNow` (ticks; the service's `Date` header, our clock where it sends none). */
export type PageRead = { entries: Entry[]; rejected: RejectedEntry[]; serverNow: bigint };

export type FeedClient = {
  /** The entries with `after < sequence <= after + limit`; at most 100 wide. An empty one is not the end of the feed. */
  page(after: number, limit: number, signal: AbortSignal): Promise<PageRead>;
  /** The entry with the greatest sequence, undefined on an empty feed. Its UIDs are empty where the feed gives none that is usable. */
  latest(signal: AbortSignal): Promise<Entry | undefined>;
  /** A sequence at or before the first entry that is no older than `ticks`; undefined when there is none. */
  sequenceAt(ticks: bigint, signal: AbortSignal): Promise<number | undefined>;
};

const CODES: FailureCodes = {
  unavailable: "FEED_UNAVAILABLE",
  throttled: "FEED_THROTTLED",
  unauthorized: "FEED_UNAUTHORIZED",
  certificate: "DICOM_CERTIFICATE",
  response: "FEED_RESPONSE",
};

/** Order by time and by sequence can differ between instances stored at once: the search by time looks this much further back. */
const TIME_MARGIN_TICKS = msToTicks(5 * 60_000);
const TIME_PAGE = 200;
/** More elements than any page that is asked for; each costs memory even if it is rejected. */
const MAX_ENTRIES = 1000;

/**
 * A client of one feed.
 * @throws (its methods) StudycastError FEED_UNAVAILABLE, FEED_THROTTLED, FEED_UNAUTHORIZED, FEED_NOT_FOUND, FEED_RESPONSE, AUTH_FAILED, ABORTED
 */
export function createFeedClient(options: FeedClientOptions): FeedClient {
  const root = options.url.replace(/\/+$/, "");
  const request = { ...options, codes: CODES };

  /** Undefined for an answer without content. */
  async function fetchJson(
    path: string,
    signal: AbortSignal,
  ): Promise<{ json: unknown; serverNow: bigint } | undefined> {
    const answer = await get(`${root}${path}`, "application/json", request, signal);
    const { status } = answer;
    if (status !== 200 && status !== 204) {
      await answer.discard();
      throw new StudycastError(status === 404 ? "FEED_NOT_FOUND" : "FEED_RESPONSE", { status });
    }
    const bytes = await answer.bytes(options.maxBytes);
    if (bytes.length === 0) return undefined;
    return { json: parseJson(bytes), serverNow: msToTicks(answer.serverNowMs ?? Date.now()) };
  }

  async function list(path: string, signal: AbortSignal): Promise<PageRead> {
    const read = await fetchJson(path, signal);
    if (read === undefined || !Array.isArray(read.json))
      throw new StudycastError("FEED_RESPONSE", { what: "no array" });
    if (read.json.length > MAX_ENTRIES)
      throw new StudycastError("FEED_RESPONSE", { what: "too many entries", entries: read.json.length });
    return { ...parseEntries(read.json, read.serverNow), serverNow: read.serverNow };
  }

  async function lowestInTime(from: bigint, to: bigint | undefined, signal: AbortSignal): Promise<number | undefined> {
    const end = to === undefined ? "" : `&endTime=${ticksToText(to)}`;
    const query = `startTime=${ticksToText(from)}${end}&limit=${TIME_PAGE}&includeMetadata=false`;
    const { entries } = await list(`/v2/changefeed?${query}`, signal);
    return entries.length === 0 ? undefined : Math.min(...entries.map((entry) => entry.sequence));
  }

  return {
    page: (after, limit, signal) => list(`/v1/changefeed?offset=${after}&limit=${limit}&includeMetadata=false`, signal),

    async latest(signal) {
      const read = await fetchJson("/v1/changefeed/latest?includeMetadata=false", signal);
      if (read === undefined || read.json === null) return undefined;
      const { entry } = parseEntry(read.json, read.serverNow);
      if (entry === undefined) throw new StudycastError("FEED_RESPONSE", { what: "no sequence" });
      return entry;
    },

    async sequenceAt(ticks, signal) {
      const after = await lowestInTime(ticks, undefined, signal);
      if (after === undefined) return undefined;
      const before = await lowestInTime(ticks - TIME_MARGIN_TICKS, ticks, signal);
      return before === undefined ? after : Math.min(before, after);
    },
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return parseForeignJson(bytes);
  } catch (cause) {
    throw new StudycastError("FEED_RESPONSE", { what: "no JSON" }, { cause });
  }
}
