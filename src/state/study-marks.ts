/** The life of a study's row: mark, begin, settle. What each step means is said at the scripts. */
import { randomBytes } from "node:crypto";
import type { ErrorCode } from "../errors.ts";
import type { RedisClient } from "../redis/index.ts";
import type { Priority, StudyId } from "../study.ts";
import type { Keys } from "./keys.ts";
import { MARK } from "./mark-script.ts";
import { encodeRejected, type RejectedRow } from "./rejected.ts";
import { guard, runScript, texts } from "./script.ts";
import { BEGIN, NOTE, SETTLE } from "./settle-script.ts";

export type Change = {
  study: StudyId;
  priority: Priority;
  /** A Deleted entry was seen. */
  gone?: boolean;
  /** An operator has confirmed that the study may be removed from FHIR if it is absent. */
  confirmDelete?: boolean;
  /** Time of the change in the feed, epoch milliseconds. Low-priority changes older than the study's last read are skipped. */
  changedAtMs?: number;
};

/** A job the queue must have for a study. */
export type JobOrder = {
  study: StudyId;
  delayMs: number;
  priority: Priority;
  /** A job of the study may lie delayed or with low priority: it must be brought forward. */
  pull: boolean;
};

/** `expected`: write id of the page stored before this one; null when no checkpoint is stored yet. */
export type PageWrite = { expected: string | null; writeId: string; checkpoint: string };
export type Marked = { ok: true; orders: JobOrder[] } | { ok: false };

export type Outcome =
  | { kind: "synced"; tookMs: number; deleted?: boolean; rejected: readonly RejectedRow[] }
  | { kind: "failed"; code: ErrorCode; jobId?: string };
export type Settled =
  /** `failedJobIds`: older BullMQ jobs of the study in the failed set, which now say nothing any more. */
  { settled: true; failedJobIds: string[] } | { settled: false; order: JobOrder };

export type BegunSync = {
  mark: string;
  gone: boolean;
  confirmDelete: boolean;
  priority: Priority;
  /** Since when the study is pending, and the time of its oldest change not yet in FHIR; epoch milliseconds. */
  sinceMs: number;
  changedMs: number;
};

export type MarkOptions = {
  /** Settle time: the age of the burst of changes, from `minMs` to `maxMs`, at least `factor` × the last sync's duration; a burst ends after `burstEndMs` without a change. */
  settle: { minMs: number; maxMs: number; factor: number; burstEndMs: number };
  /** How much a change may lie before the study's last read and yet not have been seen by it. */
  graceMs: number;
  /** How long last reads and bursts are remembered of a synced study. */
  rememberMs: number;
  /** How long a deletion is remembered. */
  goneMs: number;
};

const CHUNK = 500;

export function studyMarks(redis: RedisClient, keys: Keys, options: MarkOptions) {
  const { settle } = options;
  const sets = [keys.live, keys.low, keys.failed] as const;

  async function markChunk(changes: readonly Change[], page: PageWrite | undefined): Promise<Marked> {
    const reply = texts(
      await runScript(
        redis,
        MARK,
        [keys.checkpoint, ...sets, keys.codes, ...changes.map(({ study }) => keys.row(study))],
        [
          ...(page ? ["page", page.expected ?? "", page.writeId, page.checkpoint] : ["", "", "", ""]),
          newMark(),
          ...[settle.minMs, settle.maxMs, settle.factor, settle.burstEndMs, options.graceMs],
          ...changes.flatMap(({ study, priority, changedAtMs, gone, confirmDelete }) => [
            study,
            priority,
            changedAtMs === undefined ? "" : Math.floor(changedAtMs),
            `${gone ? "g" : ""}${confirmDelete ? "d" : ""}`,
          ]),
        ],
      ),
    );
    if (reply[0] === "stale") return { ok: false };
    return { ok: true, orders: readOrders(reply, changes) };
  }

  return {
    /** Makes studies pending. With a page, all of it happens in one write, or nothing of it when another write came between. */
    async mark(changes: readonly Change[], { page }: { page?: PageWrite } = {}): Promise<Marked> {
      if (page !== undefined) return markChunk(changes, page);
      const orders: JobOrder[] = [];
      for (let at = 0; at < changes.length; at += CHUNK) {
        const marked = await markChunk(changes.slice(at, at + CHUNK), undefined);
        if (marked.ok) orders.push(...marked.orders);
      }
      return { ok: true, orders };
    },

    async begin(study: StudyId): Promise<BegunSync> {
      const reply = texts(await runScript(redis, BEGIN, [keys.row(study), ...sets], [study, newMark()]));
      const [mark = "", gone, confirmDelete, priority, since, changed] = reply;
      return {
        mark,
        gone: gone === "1",
        confirmDelete: confirmDelete === "1",
        priority: priority === "low" ? "low" : "live",
        sinceMs: Number(since),
        changedMs: Number(changed),
      };
    },

    async isCurrent(study: StudyId, mark: string): Promise<boolean> {
      return (await guard(redis.hget(keys.row(study), "m"))) === mark;
    },

    async settle(study: StudyId, mark: string, outcome: Outcome): Promise<Settled> {
      const done = outcome.kind === "synced";
      const [how, second = "", third] = texts(
        await runScript(
          redis,
          SETTLE,
          [keys.row(study), ...sets, keys.codes, keys.rejected],
          [
            study,
            mark,
            done && outcome.deleted === true ? "deleted" : outcome.kind,
            done ? Math.round(outcome.tookMs) : 0,
            done ? encodeRejected(outcome.rejected, Date.now()) : "",
            done ? "" : outcome.code,
            done ? "" : (outcome.jobId ?? ""),
            newMark(),
            ...[settle.minMs, settle.maxMs, settle.factor, options.rememberMs, options.goneMs],
          ],
        ),
      );
      if (how === "settled") return { settled: true, failedJobIds: second === "" ? [] : [second] };
      const priority = third === "low" ? "low" : "live";
      return { settled: false, order: { study, delayMs: Number(second), priority, pull: false } };
    },

    async note(study: StudyId, mark: string, code: ErrorCode): Promise<void> {
      await runScript(redis, NOTE, [keys.row(study), keys.codes], [mark, code]);
    },
  };
}

const newMark = (): string => randomBytes(9).toString("base64url");

function readOrders(reply: readonly string[], changes: readonly Change[]): JobOrder[] {
  const orders: JobOrder[] = [];
  for (let at = 0; at + 3 < reply.length; at += 4) {
    const change = changes[Number(reply[at]) - 1];
    if (change === undefined) continue;
    const priority = reply[at + 2] === "low" ? "low" : "live";
    orders.push({ study: change.study, delayMs: Number(reply[at + 1]), priority, pull: reply[at + 3] === "pull" });
  }
  return orders;
}
