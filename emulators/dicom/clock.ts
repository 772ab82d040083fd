import type { Ticks } from "./backend.ts";
import { parseTicks, ticksOfMs } from "./ticks.ts";

/**
 * The database clock that stamps feed rows: 100-ns steps, never the same value twice. Scripts may shift it, stop it at an
 * instant, or let creates be stamped some time before their commit.
 */
export type ServiceClock = {
  now(): Ticks;
  /** Stamp of a create: `now` less the scripted age. */
  createStamp(): Ticks;
  set(o: ClockScript): void;
};

export type ClockScript = {
  /** Stand still at this instant (ISO 8601 with zone); null lets the clock run again. */
  at?: string | null;
  /** Added to the real time. */
  offsetMs?: number;
  /** Creates carry a Timestamp this much older than their commit (contract §2.1). */
  createAgeMs?: number;
};

export function createClock(): ServiceClock {
  let fixed: Ticks | undefined;
  let offsetMs = 0;
  let createAgeMs = 0;
  let last = 0n;
  function now(): Ticks {
    const real = fixed ?? ticksOfMs(performance.timeOrigin + performance.now() + offsetMs);
    // Only a shift backwards by a script may make it go back.
    last = real <= last && last - real < 10_000n ? last + 1n : real;
    return last;
  }
  return {
    now,
    createStamp: () => now() - BigInt(Math.round(createAgeMs * 10_000)),
    set(o) {
      if (o.at !== undefined) {
        fixed = o.at === null ? undefined : parseTicks(o.at);
        if (o.at !== null && fixed === undefined) throw new RangeError("at: an ISO 8601 instant with a zone is needed");
      }
      offsetMs = o.offsetMs ?? offsetMs;
      createAgeMs = o.createAgeMs ?? createAgeMs;
      last = 0n;
    },
  };
}
