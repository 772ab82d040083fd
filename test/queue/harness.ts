/** State, queue and a worker wired as worker.ts wires them, with a sync whose outcome the test decides, and clocks scaled down. */
import { errorRow, type StudycastError, toStudycastError } from "../../src/errors.ts";
import {
  createSyncQueue,
  type RunningJob,
  type SyncQueue,
  type SyncWorker,
  type WorkOptions,
} from "../../src/queue/index.ts";
import { closeRedis, createRedis, type RedisAddress } from "../../src/redis/index.ts";
import { type Change, createState, type State } from "../../src/state/index.ts";
import { type StudyId, studyId } from "../../src/study.ts";

export const study = (n: number): StudyId => studyId("Microsoft.Default", `1.2.826.0.1.3680043.8.498.${n}`);
export const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf(".") + 1));

export const live = (n: number) => ({ study: study(n), priority: "live" }) as const;

export type Sync = (job: RunningJob, signal: AbortSignal) => Promise<void>;
export type Harness = {
  state: State;
  queue: SyncQueue;
  mark(...changes: Change[]): Promise<void>;
  /** Enqueues every pending study that has no job; returns how many. */
  heal(): Promise<number>;
  work(sync: Sync, options?: Partial<WorkOptions>): SyncWorker;
  /** Waits until nothing is pending. */
  synced(): Promise<void>;
  /** Waits until no job waits, is delayed or runs. */
  idle(): Promise<void>;
  close(): Promise<void>;
};

export const WORK: Omit<WorkOptions, "handle" | "setAside"> = {
  probe: async () => true,
  onPause: () => {},
  onFailure: () => {},
  concurrency: 4,
  lockMs: 1000,
  stalledMs: 500,
  maxDeaths: 3,
  backoffBaseMs: 20,
  backoffCapMs: 100,
  recheckMs: 200,
  pauseCapMs: 1000,
};

export function createHarness(address: RedisAddress, minMs = 0): Harness {
  const redis = createRedis({ address, name: "harness", kind: "prompt" });
  const settle = { minMs, maxMs: 60, factor: 0, burstEndMs: 100 };
  const state = createState(redis, { sourceId: "s1", settle, graceMs: 1000 });
  const queue = createSyncQueue({ sourceId: "s1", connection: { address } });
  const workers: SyncWorker[] = [];

  async function handle(job: RunningJob, sync: Sync, signal: AbortSignal): Promise<void> {
    const { mark } = await state.begin(job.study);
    try {
      await sync(job, signal);
    } catch (thrown) {
      await fail(job, mark, toStudycastError(thrown));
      throw thrown;
    }
    const settled = await state.settle(job.study, mark, { kind: "synced", tookMs: 1, rejected: [] });
    if (settled.settled) await queue.removeFailed(settled.failedJobIds);
    else await queue.enqueue([settled.order]);
  }

  async function fail(job: RunningJob, mark: string, error: StudycastError): Promise<void> {
    if (error.code === "ABORTED") return;
    if (errorRow(error.code).class !== "permanent") return state.note(job.study, mark, error.code);
    const settled = await state.settle(job.study, mark, { kind: "failed", code: error.code, jobId: job.jobId });
    if (!settled.settled) await queue.enqueue([settled.order]);
  }

  return {
    state,
    queue,
    async mark(...changes) {
      const marked = await state.mark(changes);
      if (marked.ok) await queue.enqueue(marked.orders);
    },
    async heal() {
      let healed = 0;
      for await (const orders of state.allPending()) {
        const without = new Set(await queue.withoutCarrier(orders.map((order) => order.study)));
        await queue.enqueue(orders.filter((order) => without.has(order.study)));
        healed += without.size;
      }
      return healed;
    },
    work(sync, options = {}) {
      const worker = queue.work({
        ...WORK,
        handle: (job, signal) => handle(job, sync, signal),
        setAside: async (job, error) => fail(job, (await state.begin(job.study)).mark, error),
        ...options,
      });
      workers.push(worker);
      return worker;
    },
    synced: () => until("all is synced", async () => (await state.counts()).pending === 0),
    idle: () =>
      until("no job is left", async () => {
        const { waiting, delayed, active, prioritized } = await queue.counts();
        return waiting + delayed + active + prioritized === 0;
      }),
    async close() {
      await Promise.all(workers.map((worker) => worker.close(1000)));
      await queue.close();
      closeRedis(redis);
    },
  };
}

/** Waits until the condition holds; throws after `ms`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
