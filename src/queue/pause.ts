/**
 * The circuit breaker: while a service does not answer, no worker of any process starts a job. It is BullMQ's rate limit key with an expiry, so it ends
 * by itself and burns no attempts. Each of the two services is judged by itself.
 *
 * Invariants: a pause is never shortened by a later, shorter one. What fails while it lasts began before it, and says nothing that is not known: only a
 * server's own Retry-After prolongs it. One outage under many concurrent syncs thus makes the pauses of one.
 */
import type { ErrorCode } from "../errors.ts";
import { type RedisClient, redisError } from "../redis/index.ts";
import { backoffMs } from "../time.ts";
import type { PausableService, Policy } from "./retry-policy.ts";

export type PauseOptions = {
  baseMs: number;
  capMs: number;
  random(): number;
  /** Whether the service answers at all. */
  probe(service: PausableService, signal: AbortSignal): Promise<boolean>;
  onPause(service: PausableService, ms: number, code: ErrorCode): void;
};

/** KEYS 1 BullMQ's limiter key. ARGV 1 a number no limit reaches, 2 ms, 3 whether to `keep` or `prolong` a pause that runs. Returns 1 when it was set or prolonged. */
const PAUSE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  if ARGV[3] == 'keep' or redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const UNREACHABLE_COUNT = String(Number.MAX_SAFE_INTEGER);

export type Breaker = ReturnType<typeof createBreaker>;

export function createBreaker(redis: RedisClient, limiterKey: string, options: PauseOptions) {
  const pausesInARow: Record<PausableService, number> = { dicom: 0, fhir: 0 };
  const probes = new Map<PausableService, Promise<boolean>>();

  function probeOnce(service: PausableService, signal: AbortSignal): Promise<boolean> {
    const running = probes.get(service);
    if (running !== undefined) return running;
    const probe = options
      .probe(service, signal)
      .catch(() => false)
      .finally(() => probes.delete(service));
    probes.set(service, probe);
    return probe;
  }

  return {
    /** Judges the service after an error that may be its own; true when everything is paused now, false when only this study is in trouble. */
    async suspect(
      { service, certain, retryAfterMs }: Extract<Policy, { kind: "suspect" }>,
      code: ErrorCode,
      signal: AbortSignal,
    ): Promise<boolean> {
      if (!certain && (await probeOnce(service, signal))) return false;
      const wantedMs = retryAfterMs ?? backoffMs(pausesInARow[service], options.baseMs, options.capMs, options.random);
      const ms = Math.max(1, Math.min(Math.ceil(wantedMs), options.capMs));
      if (await pause(redis, limiterKey, ms, retryAfterMs === undefined ? "keep" : "prolong")) {
        pausesInARow[service]++;
        options.onPause(service, ms, code);
      }
      return true;
    },

    /** A sync has ended well: both services work. */
    worked(): void {
      pausesInARow.dicom = 0;
      pausesInARow.fhir = 0;
    },
  };
}

async function pause(
  redis: RedisClient,
  limiterKey: string,
  ms: number,
  running: "keep" | "prolong",
): Promise<boolean> {
  try {
    return (await redis.eval(PAUSE, 1, limiterKey, UNREACHABLE_COUNT, ms, running)) === 1;
  } catch (error) {
    throw redisError(error);
  }
}
