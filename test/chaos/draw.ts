/** Repeatable randomness: every stream follows from a seed and a label, so that one more draw in one place changes nothing in another. */
import { createHash } from "node:crypto";

export type Draw = {
  /** An integer, 0 <= n < limit. */
  below(limit: number): number;
  /** An integer, from <= n <= to. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
};

/** mulberry32 over a digest of seed and label. */
export function drawFrom(seed: number, label: string): Draw {
  let state = createHash("sha256").update(`${seed} ${label}`).digest().readUInt32LE(0);
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => next() < probability,
    pick<T>(list: readonly T[]): T {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
  };
}
