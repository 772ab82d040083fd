/**
 * One value out of what the instances say (rule A.7): the most frequent one; a tie is broken by value, so that the result is a function of the set
 * of instances, whatever their order. Absent values do not vote.
 */
import { compareText } from "./text.ts";

/** Votes of one candidate: series that hold it, instances that hold it. */
export type Candidate<T> = { value: T; key: string; series: number; instances: number };
export type Ballot<T> = Map<string, Candidate<T>>;

export function vote<T>(ballot: Ballot<T>, value: T | undefined, instances: number, series = 0): void {
  if (value === undefined) return;
  const key = typeof value === "string" ? value : JSON.stringify(value);
  const candidate = ballot.get(key);
  if (candidate === undefined) ballot.set(key, { value, key, series, instances });
  else {
    candidate.series += series;
    candidate.instances += instances;
  }
}

/** The winner: by series, then by instances, then by value. `losers` counts the instances that said otherwise. */
export function winner<T>(ballot: Ballot<T>): { value: T; losers: number } | undefined {
  let best: Candidate<T> | undefined;
  let all = 0;
  for (const candidate of ballot.values()) {
    all += candidate.instances;
    if (best === undefined || beats(candidate, best)) best = candidate;
  }
  return best && { value: best.value, losers: all - best.instances };
}

/** All candidates, best first. */
export function ranked<T>(ballot: Ballot<T>): Candidate<T>[] {
  return [...ballot.values()].sort((a, b) => (beats(a, b) ? -1 : 1));
}

function beats(a: Candidate<unknown>, b: Candidate<unknown>): boolean {
  if (a.series !== b.series) return a.series > b.series;
  if (a.instances !== b.instances) return a.instances > b.instances;
  return compareText(a.key, b.key) < 0;
}

/**
 * The winner among what is picked of values with how many instances have them.
 * @param told is shown the ballot
 */
export function mostFrequent<V, T>(
  counted: readonly (readonly [V, number])[],
  pick: (value: V) => T | undefined,
  told?: (ballot: Ballot<T>) => void,
): T | undefined {
  const ballot: Ballot<T> = new Map();
  for (const [value, count] of counted) vote(ballot, pick(value), count);
  told?.(ballot);
  return winner(ballot)?.value;
}
