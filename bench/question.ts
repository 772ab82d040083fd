/** What a benchmark is: a question with an answer in numbers, some of them with a target. */

export type Target = { atLeast: number } | { atMost: number };

/** One number of an answer. */
export type Figure = {
  what: string;
  value: number;
  unit: string;
  /** What docs/benchmarks.md promises; absent when the number is only told. */
  target?: Target;
};

export type Answer = {
  figures: Figure[];
  /** What a reader must know to judge the numbers: what was left out, what was measured beside. */
  notes: string[];
};

export type Run = {
  /** Seconds instead of minutes, on less data: shows that the benchmark works; its numbers mean little. */
  quick: boolean;
  /** One line of progress. */
  tell(line: string): void;
  signal: AbortSignal;
};

export type Question = {
  /** As given on the command line. */
  name: string;
  title: string;
  /** Too long to be asked along with the others: only when it is named. */
  onlyByName?: true;
  ask(run: Run): Promise<Answer>;
};

/** Whether a figure keeps its target; undefined when it has none. */
export function keeps({ value, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

/** The p-th percentile (0 to 100) by nearest rank. NaN for no values. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}
