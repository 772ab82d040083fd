import type { FeedAction, Ticks } from "./backend.ts";
import type { Version } from "./version.ts";

/** One committed row. It never changes; what it reads as today is computed from the current version (contract §1.4). */
export type FeedRow = {
  readonly sequence: number;
  readonly timestamp: Ticks;
  readonly action: FeedAction;
  readonly partition: string;
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  readonly watermark: number;
  /** The version a Create or Update made current; needed to go back to an older state of the feed. */
  readonly version?: Version;
  readonly overrides?: Readonly<Record<string, unknown>>;
};

/**
 * The append-only feed table. Sequences are drawn before the commit, so rows may be added below the greatest one.
 * Invariant: `rows` is ordered by sequence, without repeats.
 */
export type FeedTable = {
  draw(): number;
  skip(count: number): void;
  add(row: FeedRow): void;
  rows(): readonly FeedRow[];
  /** By (timestamp, sequence). */
  byTime(): readonly FeedRow[];
  after(sequence: number, upTo: number): readonly FeedRow[];
  /** Removes rows above `sequence`; the next one drawn follows it. */
  truncate(sequence: number): void;
};

export function createFeedTable(): FeedTable {
  let rows: FeedRow[] = [];
  let next = 1;
  let timeOrder: FeedRow[] | undefined;

  /** Index of the first row above `sequence`. */
  function above(sequence: number): number {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rows[middle] as FeedRow).sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    draw: () => next++,
    skip(count) {
      next += count;
    },
    add(row) {
      rows.splice(above(row.sequence), 0, row);
      timeOrder = undefined;
    },
    rows: () => rows,
    byTime() {
      timeOrder ??= rows.toSorted((a, b) =>
        a.timestamp === b.timestamp ? a.sequence - b.sequence : a.timestamp < b.timestamp ? -1 : 1,
      );
      return timeOrder;
    },
    after: (sequence, upTo) => rows.slice(above(sequence), above(upTo)),
    truncate(sequence) {
      rows = rows.slice(0, above(sequence));
      next = sequence + 1;
      timeOrder = undefined;
    },
  };
}
