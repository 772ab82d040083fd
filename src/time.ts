/** Waits. Each takes an AbortSignal; none keeps a timer after it has ended. */
import { setTimeout as delay } from "node:timers/promises";

/** Waits `ms` milliseconds; resolves early, without an error, when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Whether it ends within `ms` milliseconds; `end` must not fail. */
export async function endsWithin(end: Promise<unknown>, ms: number): Promise<boolean> {
  const done = new AbortController();
  try {
    return await Promise.race([end.then(() => true), sleep(ms, done.signal).then(() => false)]);
  } finally {
    done.abort();
  }
}

/** Exponential back-off with jitter: attempt 0 waits about `baseMs`, each next one twice as long, never more than `capMs`. `random` gives [0, 1). */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: () => number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(full * (0.5 + 0.5 * random()));
}

/** A signal that aborts with `signal` or after `ms` milliseconds, whichever is first. */
export function withDeadline(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}

/**
 * Retry-After (RFC 9110 §10.2.3) in milliseconds: seconds or an HTTP date. Undefined when absent or not understood.
 * `nowMs` is the server's `Date` header where there is one, so that clocks that differ do not matter.
 */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === null || header === undefined) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Math.round(Number(header) * 1000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
