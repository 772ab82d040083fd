/**
 * What the probes and the status say of this process. Loops report here; nothing here waits or asks.
 *
 * live: the loops make progress. A lag alone, a service that is away, or Redis being down never make it fail: a restart would cure none of them.
 * ready: reasons in words why studies do not reach FHIR now.
 */
import type { FeedStatus } from "./changefeed/index.ts";
import { type ErrorCode, errorText, type Service } from "./errors.ts";
import type { Verdict, WorkerStatus } from "./http/index.ts";

export type Health = {
  startup(): Verdict;
  live(): Verdict;
  ready(): Verdict;
  /** What the start waits for; undefined when it goes on. */
  waitsFor(reason: string | undefined): void;
  started(): void;
  feed(status: FeedStatus): void;
  /** The late read has found entries of the feed: what is assumed of the service does not hold. */
  late(): void;
  /** Whether this process follows the feed. */
  follows(): boolean;
  /** A loop shows that it runs. */
  beat(loop: Loop): void;
  /** This process does not follow: another one does, or `trouble` keeps it from it. */
  notFollowing(trouble: ErrorCode | undefined): void;
  /** Jobs wait, none is paused, and none has started since `sinceMs`; undefined when that is not so. */
  stuck(sinceMs: number | undefined): void;
  redis(error: ErrorCode | undefined): void;
  paused(service: Service, code: ErrorCode, untilMs: number): void;
  /** A sync has ended well: both services answer. */
  worked(): void;
  status(): Pick<WorkerStatus, "ready" | "feed" | "pauses">;
};
export type Loop = "follow" | "upkeep";

/** A service that was away counts so until a sync ends well, or this long after the pause: another process may have had the next sync. */
const HELD_MS = 15_000;
/** Late entries hold up no study, but must be seen by a person: the status shows them for so long. */
const LATE_MS = 3_600_000;

export function createHealth(now: () => number, watchdogMs: number): Health {
  const beats = new Map<Loop, number>();
  const pauses = new Map<Service, { code: ErrorCode; untilMs: number }>();
  let waiting: string | undefined = "The process starts.";
  let isStarted = false;
  let feedStatus: FeedStatus | undefined;
  let lateMs: number | undefined;
  let stuckSinceMs: number | undefined;
  let redisError: ErrorCode | undefined;

  const verdict = (reasons: string[]): Verdict => ({ ok: reasons.length === 0, reasons: [...new Set(reasons)] });
  const running = (heldMs = 0) => [...pauses].filter(([, { untilMs }]) => untilMs + heldMs > now());

  const startReasons = () => (isStarted ? [] : [`Starting: ${waiting ?? "checks are running."}`]);

  const health: Health = {
    startup: () => verdict(startReasons()),
    live() {
      const reasons: string[] = [];
      if (redisError === undefined) {
        for (const [loop, atMs] of beats)
          if (now() - atMs > watchdogMs)
            reasons.push(`The ${loop} loop has not moved for ${Math.round((now() - atMs) / 1000)} s.`);
        if (stuckSinceMs !== undefined && now() - stuckSinceMs > watchdogMs)
          reasons.push("Jobs wait, and none starts.");
      }
      return verdict(reasons);
    },
    ready() {
      const reasons = startReasons();
      if (redisError !== undefined) reasons.push(errorText(redisError));
      if (feedStatus?.state === "degraded" || feedStatus?.state === "stopped") reasons.push(errorText(feedStatus.code));
      if (feedStatus?.state === "backpressure")
        reasons.push("The feed is not read: too many studies are pending, or Redis is nearly full.");
      for (const [, { code }] of running(HELD_MS)) reasons.push(errorText(code));
      return verdict(reasons);
    },
    waitsFor(reason) {
      waiting = reason;
    },
    started() {
      isStarted = true;
    },
    feed(status) {
      feedStatus = status;
      health.beat("follow");
    },
    late() {
      lateMs = now();
    },
    follows: () => beats.has("follow"),
    beat: (loop) => void beats.set(loop, now()),
    notFollowing(trouble) {
      beats.delete("follow");
      feedStatus = trouble === undefined ? undefined : { state: "degraded", code: trouble, retryInMs: 0 };
    },
    stuck(sinceMs) {
      stuckSinceMs = sinceMs;
    },
    redis(error) {
      redisError = error;
    },
    paused: (service, code, untilMs) => void pauses.set(service, { code, untilMs }),
    worked: () => pauses.clear(),
    status: () => ({
      ready: health.ready(),
      feed:
        lateMs !== undefined && now() - lateMs < LATE_MS && isFine(feedStatus)
          ? { ...feedState(feedStatus), state: "degraded", code: "FEED_LATE" }
          : feedState(feedStatus),
      pauses: running().map(([service, { code, untilMs }]) => ({
        service,
        code,
        until: new Date(untilMs).toISOString(),
      })),
    }),
  };
  return health;
}

const isFine = (status: FeedStatus | undefined) => status?.state === "following" || status?.state === "catching-up";

function feedState(status: FeedStatus | undefined): WorkerStatus["feed"] {
  switch (status?.state) {
    case undefined:
      return { state: "unknown" };
    case "following":
    case "catching-up":
      return { state: status.state, latest: status.latest };
    case "degraded":
    case "stopped":
      return { state: status.state, code: status.code };
    case "backpressure":
      return { state: "backpressure" };
  }
}
