/**
 * One token for all requests of a service.
 *
 * Invariants: at most one request for a token is in flight, whoever waits for it; a token is replaced before it ends (a fifth of its life, at most five
 * minutes, ahead), and as long as it lasts, a failed replacement harms nobody; a caller that gives up does not take the token from the others.
 */
import { StudycastError, toStudycastError } from "../errors.ts";
import { withDeadline } from "../time.ts";
import type { Authorize, Token } from "./authorize.ts";

const EARLY_MS = 5 * 60_000;
/** A token younger than this is not replaced because of a 401: many requests may fail with the one before it. */
const FRESH_MS = 2000;
/** After a failed replacement the old token serves this long before the next try. */
const PATIENCE_MS = 10_000;

export type CacheOptions = { requestTimeoutMs: number; stop: AbortSignal; now(): number };

export function createTokenCache(
  fetchToken: (signal: AbortSignal) => Promise<Token>,
  options: CacheOptions,
): Authorize {
  const { now, stop, requestTimeoutMs } = options;
  let held: { token: Token; gotAtMs: number; renewAtMs: number } | undefined;
  let flight: Promise<Token> | undefined;

  const fetchOnce = async (): Promise<Token> => {
    try {
      const token = await fetchToken(withDeadline(stop, requestTimeoutMs));
      const gotAtMs = now();
      const early = Math.min(EARLY_MS, (token.endsAtMs - gotAtMs) / 5);
      held = { token, gotAtMs, renewAtMs: token.endsAtMs - early };
      return token;
    } finally {
      flight = undefined;
    }
  };
  const join = (): Promise<Token> => {
    flight ??= fetchOnce();
    return flight;
  };

  return {
    async header(signal) {
      const usable = held;
      if (usable !== undefined && now() < usable.renewAtMs) return `Bearer ${usable.token.value}`;
      try {
        return `Bearer ${(await orAbort(join(), signal)).value}`;
      } catch (error) {
        if (signal.aborted || held === undefined || held !== usable || now() >= usable.token.endsAtMs) throw error;
        usable.renewAtMs = Math.min(now() + PATIENCE_MS, usable.token.endsAtMs);
        return `Bearer ${usable.token.value}`;
      }
    },
    renew() {
      if (flight === undefined && held !== undefined && now() - held.gotAtMs >= FRESH_MS) held = undefined;
    },
  };
}

/** Waits for the work or for the caller's signal, whichever is first; the work goes on for the others. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new StudycastError("ABORTED"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work
      .then(resolve, (error) => reject(toStudycastError(error)))
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}
