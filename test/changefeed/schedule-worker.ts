/** Runs schedules in a thread of its own: the test runner's sandbox makes this kind of code three times slower. */
import { parentPort, workerData } from "node:worker_threads";
import { type Commits, type Outcome, runSchedule } from "./commit-schedule.ts";

export type Order = { seed: number; count: number; commits: Commits };
export type Tally = {
  schedules: number;
  entries: number;
  expired: number;
  foundLate: number;
  /** Entries that came even after the late read; each was told of as given up. */
  givenUp: number;
  bad: Outcome[];
};

function tally({ seed, count, commits }: Order): Tally {
  const sum: Tally = { schedules: 0, entries: 0, expired: 0, foundLate: 0, givenUp: 0, bad: [] };
  for (let n = 0; n < count; n++) {
    const outcome = runSchedule(seed + n, commits);
    sum.schedules++;
    sum.entries += outcome.committed;
    sum.expired += outcome.expired;
    sum.foundLate += outcome.lost.length - outcome.lostForGood.length;
    sum.givenUp += outcome.lostForGood.length - outcome.silent.length;
    if (isBad(outcome, commits) && sum.bad.length < 5) sum.bad.push(outcome);
  }
  return sum;
}

/** Within the bounds nothing is lost or read twice; late entries are found; what came later still is never lost in silence. */
function isBad({ lost, lostForGood, twice, silent, late, crashes }: Outcome, commits: Commits): boolean {
  if (commits === "in-time") return lost.length + twice.length > 0;
  const unseen = !crashes && lost.length > lostForGood.length && late === 0;
  return unseen || (commits === "late" ? lostForGood.length > 0 : silent.length > 0);
}

parentPort?.postMessage(tally(workerData as Order));
