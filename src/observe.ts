/** What happens in the pipeline, told to log, metrics and probes. A quiet system is quiet: one line per study at debug, lines at info for changes of state only. */
import { type FeedPage, type FeedStatus, ticksToMs } from "./changefeed/index.ts";
import { type ErrorCode, errorRow, type StudycastError, toStudycastError } from "./errors.ts";
import type { Health } from "./health.ts";
import type { JobDeps } from "./job.ts";
import { errorFields, type Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { WorkOptions } from "./queue/index.ts";
import type { Room } from "./room.ts";
import type { StudyId } from "./study.ts";

export type ObserveDeps = { log: Log; metrics: Metrics; health: Health; now(): number };
/** The largest distance to the end of the feed is kept this long, so that no scrape misses it. */
const BEHIND_MS = 5 * 60_000;

export function observe({ log, metrics, health, now }: ObserveDeps) {
  let feedState = "";
  let trouble: ErrorCode | undefined;
  let behind: { atMs: number; entries: number }[] = [];

  const onFeed = (status: FeedStatus): void => {
    health.feed(status);
    trouble = undefined;
    const { state } = status;
    metrics.set("feed_degraded", health.status().feed.state === "degraded" ? 1 : 0);
    metrics.set("feed_stopped", state === "stopped" ? 1 : 0);
    metrics.set("feed_backpressure", state === "backpressure" ? 1 : 0);
    if ("scan" in status) {
      metrics.set("feed_scan_sequence", status.scan);
      metrics.set("feed_holes", status.holes);
      metrics.set("feed_low_ranges", status.lowRanges);
    }
    if (state === "degraded") metrics.inc("feed_errors_total", 1, { code: status.code });
    const told = "code" in status ? `${state} ${status.code}` : state;
    // New entries are what a feed is for: only the way back from trouble, or the first catching up, is told.
    if (told === feedState || (state === "catching-up" && feedState === "following")) return;
    feedState = told;
    if (state === "degraded")
      log.warn("the feed cannot be read", { ...codeFields(status.code), retryInMs: status.retryInMs });
    else if (state === "stopped") log.error("following has stopped", codeFields(status.code));
    else if (state === "backpressure") log.warn("the feed waits: too much is pending");
    else if (state === "following") log.info("caught up with the feed", { sequence: status.latest });
  };

  const onPage =
    (room: Room) =>
    ({ priority, entries, rejected, expired, missing, late }: FeedPage, studies: number): void => {
      health.beat("follow");
      room.marked(studies);
      metrics.inc("feed_pages_total", 1, { priority });
      if (studies > 0) metrics.inc("feed_studies_marked_total", studies, { priority });
      const atMs = now();
      for (const { action, ticks } of entries) {
        metrics.inc("feed_entries_total", 1, { priority, action });
        metrics.observe("lag_feed_to_mark_seconds", (atMs - ticksToMs(ticks)) / 1000, { priority });
      }
      for (const { sequence, code } of rejected) {
        metrics.inc("feed_entries_rejected_total", 1, { code });
        log.error("a feed entry cannot be used", {
          ...codeFields(code),
          ...(sequence === undefined ? {} : { sequence }),
        });
      }
      for (const { from, to } of expired) {
        metrics.inc("feed_holes_expired_total", to - from + 1);
        log.info("sequences did not appear in time; they are looked for once more later", { from, to });
      }
      for (const { from, to } of missing) metrics.inc("feed_sequences_missing_total", to - from + 1);
      if (late > 0) {
        health.late();
        metrics.set("feed_degraded", 1);
        metrics.inc("feed_entries_late_total", late);
        log.warn("entries of the feed came later than the grace period", { count: late, ...codeFields("FEED_LATE") });
      }
    };

  return {
    onFeed,
    onPage,

    onLease(held: boolean): void {
      metrics.set("follower", held ? 1 : 0);
      if (!held) {
        health.notFollowing(undefined);
        feedState = "";
        for (const gauge of ["feed_degraded", "feed_stopped", "feed_backpressure"] as const) metrics.set(gauge, 0);
      }
      // While it cannot follow, each try is a short term of its own.
      if (trouble === undefined)
        log.info(held ? "this process follows the feed" : "this process no longer follows the feed");
    },

    onTrouble(error: StudycastError | undefined): void {
      health.notFollowing(error?.code);
      metrics.set("feed_degraded", error === undefined ? 0 : 1);
      if (error !== undefined && error.code !== trouble) log.warn("following was interrupted", errorFields(error));
      trouble = error?.code;
    },

    /** The end of the feed, and up to where all processes together have read it; from a timer of its own. */
    onLatest(sequence: number, scanned: number): void {
      const atMs = now();
      behind = [
        ...behind.filter((sample) => atMs - sample.atMs < BEHIND_MS),
        { atMs, entries: Math.max(0, sequence - scanned) },
      ];
      metrics.set("feed_behind_entries_max", Math.max(...behind.map(({ entries }) => entries)));
    },

    onSynced: ((study, result, { tookMs, pendingMs, ageMs, priority }) => {
      const { kind, writes, bytes, instances, rejected, issues, refused } = result;
      health.worked();
      metrics.inc("syncs_total", 1, { outcome: kind });
      metrics.observe("sync_seconds", tookMs / 1000, { outcome: kind });
      metrics.observe("lag_mark_to_fhir_seconds", pendingMs / 1000, { priority });
      metrics.observe("lag_end_to_end_seconds", ageMs / 1000, { priority });
      metrics.inc("instances_read_total", instances);
      metrics.inc("fhir_writes_total", writes);
      metrics.inc("fhir_write_bytes_total", bytes);
      for (const { code, tag } of rejected) metrics.inc("instances_rejected_total", 1, { code, tag: tag ?? "" });
      for (const { tag, count } of issues) metrics.inc("values_left_out_total", count, { tag });
      if (refused !== undefined) {
        metrics.inc("supporting_refused_total", 1, { code: refused.code });
        log.warn("a study was written without its supporting resources", {
          study,
          ...errorFields(refused),
          hint: "let studycast write Device and what else the policies ask for, or set DEVICE_POLICY and the like to `logical`",
        });
      }
      if (rejected.length > 0)
        log.warn("instances were left out", {
          study,
          count: rejected.length,
          ...codeFields(rejected[0]?.code ?? "INSTANCE_INVALID"),
        });
      log.debug("study synced", { study, action: kind, writes, bytes, instances, tookMs });
    }) satisfies JobDeps["onSynced"],

    onSuperseded: (study: StudyId): void => {
      metrics.inc("syncs_total", 1, { outcome: "superseded" });
      log.debug("study synced", { study, action: "superseded" });
    },

    onFailure: ((study, error, { kind, inMs }) => {
      const { code } = error;
      if (kind === "fail") {
        metrics.inc("syncs_total", 1, { outcome: "failed" });
        metrics.inc("sync_failures_total", 1, { code });
        log.error("study failed", { study, ...errorFields(error) });
        return;
      }
      if (kind === "return") return;
      metrics.inc("syncs_total", 1, { outcome: kind === "recheck" ? "waiting" : "retried" });
      metrics.inc("sync_retries_total", 1, { code });
      // While everything is paused one line tells it (onPause), not one per study.
      const fields = { study, ...(inMs === undefined ? {} : { retryInMs: inMs }), ...errorFields(error) };
      if (kind === "recheck") log.warn("study waits", fields);
      else if (kind === "retry") log.info("study will be tried again", fields);
    }) satisfies WorkOptions["onFailure"],

    onPause: ((service, ms, code) => {
      health.paused(service, code, now() + ms);
      metrics.inc("pauses_total", 1, { service, code });
      log.warn("all syncs wait for a service", { service, retryInMs: ms, ...codeFields(code) });
    }) satisfies WorkOptions["onPause"],

    onSecondLooks: (studies: number): void => {
      metrics.inc("second_looks_total", studies);
      log.debug("studies are looked at once more: the answer of a write never came", { count: studies });
    },

    onRequest: (kind: string): void => metrics.inc("operator_requests_total", 1, { kind }),

    /** Times a request to a service. */
    async timed<T>(service: "dicom" | "fhir", operation: string, work: () => Promise<T>): Promise<T> {
      const startedMs = performance.now();
      const end = (outcome: string) =>
        metrics.observe("request_seconds", (performance.now() - startedMs) / 1000, { service, operation, outcome });
      try {
        const result = await work();
        end("ok");
        return result;
      } catch (thrown) {
        const error: StudycastError = toStudycastError(thrown);
        end(error.code);
        throw thrown;
      }
    },
  };
}

const codeFields = (code: ErrorCode) => ({ code, hint: errorRow(code).hint });
