/** What could not be brought to FHIR: instances of a study's last sync, and feed entries without usable UIDs. UIDs, tags and codes only. */
import type { ErrorCode } from "../errors.ts";
import type { RedisClient } from "../redis/index.ts";
import { parseStudyId, type StudyId } from "../study.ts";
import type { Keys } from "./keys.ts";
import { guard } from "./script.ts";

export type RejectedRow = {
  series?: string | undefined;
  sop?: string | undefined;
  code: ErrorCode;
  tag?: string | undefined;
};
export type RejectedStudy = { study: StudyId; count: number; instances: RejectedRow[] };
export type RejectedFeedEntry = { sequence: number | undefined; code: ErrorCode; what: string };

/** A study keeps this many rejected instances by name and the count of all. */
const ROWS_KEPT = 50;
const ENTRIES_KEPT = 1000;

/** `unreadableMs` notes when instances could not be read: what could not be read once may be read later. */
export function encodeRejected(rows: readonly RejectedRow[], nowMs: number): string {
  if (rows.length === 0) return "";
  const kept = rows.slice(0, ROWS_KEPT).map(({ series, sop, code, tag }) => ({ series, sop, code, tag }));
  const unreadable = rows.some(({ code }) => code === "INSTANCE_UNREADABLE");
  return JSON.stringify({ count: rows.length, rows: kept, ...(unreadable ? { unreadableMs: nowMs } : {}) });
}

export function rejections(redis: RedisClient, keys: Keys) {
  return {
    /** Studies whose last sync left instances out; `instances` are the first 50 of each. */
    async rejectedInstances(limit: number): Promise<RejectedStudy[]> {
      const found: RejectedStudy[] = [];
      let cursor = "0";
      do {
        const [next, flat] = await guard(redis.hscan(keys.rejected, cursor, "COUNT", 200));
        cursor = next;
        for (let at = 0; at + 1 < flat.length && found.length < limit; at += 2)
          found.push(decode(flat[at] ?? "", flat[at + 1] ?? ""));
      } while (cursor !== "0" && found.length < limit);
      return found;
    },

    /** Studies without instances that could not be read, noted at least `ageMs` ago (or under a clock that has been set back since). */
    async unreadableStudies(ageMs: number, nowMs: number, limit: number): Promise<StudyId[]> {
      const found: StudyId[] = [];
      let cursor = "0";
      do {
        const [next, flat] = await guard(redis.hscan(keys.rejected, cursor, "COUNT", 200));
        cursor = next;
        for (let at = 0; at + 1 < flat.length && found.length < limit; at += 2) {
          const { unreadableMs } = JSON.parse(flat[at + 1] ?? "") as { unreadableMs?: number };
          if (unreadableMs !== undefined && (nowMs - unreadableMs >= ageMs || nowMs < unreadableMs))
            found.push(flat[at] as StudyId);
        }
      } while (cursor !== "0" && found.length < limit);
      return found;
    },

    /** Keeps feed entries that could not be used; the newest thousand by name, all of them in the count. */
    async rejectEntries(entries: readonly RejectedFeedEntry[]): Promise<void> {
      if (entries.length === 0) return;
      const lines = entries.map(({ sequence, code, what }) => JSON.stringify({ sequence, code, what }));
      await guard(redis.lpush(keys.entries, ...lines));
      await guard(redis.ltrim(keys.entries, 0, ENTRIES_KEPT - 1));
      await guard(redis.incrby(keys.entryCount, entries.length));
    },

    /** The newest rejected feed entries. */
    async rejectedEntries(limit: number): Promise<RejectedFeedEntry[]> {
      const lines = limit > 0 ? await guard(redis.lrange(keys.entries, 0, limit - 1)) : [];
      return lines.map((line) => {
        const { sequence, what } = JSON.parse(line) as { sequence?: number; what?: string };
        return { sequence, code: "FEED_ENTRY_INVALID", what: String(what ?? "") };
      });
    },
  };
}

function decode(study: string, text: string): RejectedStudy {
  const { count, rows } = JSON.parse(text) as { count: number; rows: RejectedRow[] };
  const { partition, studyInstanceUid } = parseStudyId(study);
  return { study: `${partition}/${studyInstanceUid}` as StudyId, count, instances: rows };
}
