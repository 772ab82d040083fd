/** Runs schedules in a thread of its own: the test runner's sandbox makes this kind of code three times slower. */
import { parentPort, workerData } from "node:worker_threads";
import { type Outcome, runSchedule } from "./commit-schedule.ts";

export type Order = { seed: number; count: number; late: boolean };
export type Tally = { schedules: number; entries: number; expired: number; foundLate: number; bad: Outcome[] };

function tally({ seed, count, late }: Order): Tally {
  const sum: Tally = { schedules: 0, entries: 0, expired: 0, foundLate: 0, bad: [] };
  for (let n = 0; n < count; n++) {
    const outcome = runSchedule(seed + n, late);
    sum.schedules++;
    sum.entries += outcome.committed;
    sum.expired += outcome.expired;
    sum.foundLate += outcome.lost.length - outcome.lostForGood.length;
    const isBad = outcome.lostForGood.length > 0 || (!late && outcome.lost.length + outcome.twice.length > 0);
    if (isBad && sum.bad.length < 5) sum.bad.push(outcome);
  }
  return sum;
}

parentPort?.postMessage(tally(workerData as Order));
