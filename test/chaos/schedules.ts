/** Many random commit orders against the reader of the feed, in threads: within its bounds nothing is lost, beyond them nothing in silence. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Commits } from "../changefeed/commit-schedule.ts";
import type { Order, Tally } from "../changefeed/schedule-worker.ts";

const THREADS = 2;

/** Runs `count` schedules from `seed` on. */
export async function runSchedules(commits: Commits, count: number, seed: number): Promise<Tally> {
  const share = Math.ceil(count / THREADS);
  const orders = Array.from({ length: THREADS }, (_, n): Order => {
    return { commits, seed: seed + n * share, count: Math.min(share, count - n * share) };
  });
  const tallies = await Promise.all(orders.map(inThread));
  return tallies.reduce((a, b) => ({
    schedules: a.schedules + b.schedules,
    entries: a.entries + b.entries,
    expired: a.expired + b.expired,
    foundLate: a.foundLate + b.foundLate,
    givenUp: a.givenUp + b.givenUp,
    bad: [...a.bad, ...b.bad],
  }));
}

async function inThread(order: Order): Promise<Tally> {
  const worker = new Worker(new URL("../changefeed/schedule-worker.ts", import.meta.url), { workerData: order });
  const [tally] = (await once(worker, "message")) as [Tally];
  await worker.terminate();
  return tally;
}
