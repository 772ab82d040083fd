/**
 * The queue of sync jobs of one source, on BullMQ: the only place that knows it. What is pending is the state's to say; a job is only its carrier, and a
 * pending study without one is found and given one (healing).
 */
import { Queue } from "bullmq";
import { type ConnectOptions, closeRedis, createRedis, redisError } from "../redis/index.ts";
import type { JobOrder } from "../state/index.ts";
import type { StudyId } from "../study.ts";
import { countDue, pullForward, pullStray, removeEnded, studiesWithoutCarrier } from "./carriers.ts";
import { createDashboardAdapter, type DashboardOptions } from "./dashboard.ts";
import { JOB_NAME, jobOptions, QUEUE_NAME, queuePrefix, type SyncJobData } from "./job.ts";
import { type SyncWorker, startWorker, type WorkOptions } from "./sync-worker.ts";

export type SyncQueueOptions = { sourceId: string; connection: Omit<ConnectOptions, "kind" | "name"> };
export type QueueCounts = {
  waiting: number;
  prioritized: number;
  delayed: number;
  /** Of the delayed ones those whose time has come: a worker that looks for jobs makes them wait or takes them. */
  due: number;
  active: number;
  failed: number;
};
export type SyncQueue = ReturnType<typeof createSyncQueue>;

const CHUNK = 500;

/** Opens its own connections; `close` ends them. */
export function createSyncQueue(options: SyncQueueOptions) {
  const redis = createRedis({ ...options.connection, name: "studycast-queue", kind: "prompt" });
  const queue = new Queue<SyncJobData>(QUEUE_NAME, {
    connection: redis,
    prefix: queuePrefix(options.sourceId),
    skipMetasUpdate: true,
    // Ours is made at the start (redis/checks.ts). A Redis that dies under BullMQ's own would leave this queue without a client for good.
    skipVersionCheck: true,
    streams: { events: { maxLen: 1000 } },
  });
  queue.on("error", () => {}); // the commands themselves say it
  queue.waitUntilReady().catch(() => {});

  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw redisError(error);
    }
  };

  async function enqueueChunk(orders: readonly JobOrder[]): Promise<void> {
    await queue.addBulk(
      orders.map(({ study, delayMs, priority }) => ({
        name: JOB_NAME,
        data: { study },
        opts: jobOptions(study, delayMs, priority),
      })),
    );
    for (const order of orders) if (order.pull) await pullForward(redis, queue, order);
  }

  return {
    /** Makes sure that each study has a job, and that it is due no later than ordered. */
    async enqueue(orders: readonly JobOrder[]): Promise<void> {
      for (let at = 0; at < orders.length; at += CHUNK) await guarded(enqueueChunk(orders.slice(at, at + CHUNK)));
    },

    /** Those of the studies that have no job which waits, is delayed or runs. */
    withoutCarrier: (studies: readonly StudyId[]): Promise<StudyId[]> => studiesWithoutCarrier(redis, queue, studies),

    /** Makes jobs due that lie delayed for longer than any job should; the number of them. */
    pullStray: (longestMs: number): Promise<number> => guarded(pullStray(redis, queue, longestMs)),

    /** Removes failed jobs that say nothing any more; others are left alone. */
    async removeFailed(jobIds: readonly string[]): Promise<void> {
      for (const id of jobIds) await guarded(removeEnded(queue, id));
    },

    async counts(): Promise<QueueCounts> {
      const [counts, due] = await guarded(
        Promise.all([
          queue.getJobCounts("waiting", "prioritized", "delayed", "active", "failed"),
          countDue(redis, queue, Date.now()),
        ]),
      );
      const of = (name: string) => counts[name] ?? 0;
      return {
        waiting: of("waiting"),
        prioritized: of("prioritized"),
        delayed: of("delayed"),
        due,
        active: of("active"),
        failed: of("failed"),
      };
    },

    /** For how long all workers are paused because a service does not answer; 0 when they are not. */
    async pausedMs(): Promise<number> {
      return Math.max(0, await guarded(queue.getRateLimitTtl(Number.MAX_SAFE_INTEGER)));
    },

    /** Whether an operator has paused the queue in the dashboard. */
    pausedByOperator: (): Promise<boolean> => guarded(queue.isPaused()),

    /** Starts running jobs in this process. Close the worker before the queue. */
    work: (work: WorkOptions): SyncWorker => startWorker(queue, redis, options, work),

    /** The queue for bull-board, with the actions that could lose or double a job made safe or refused. */
    dashboardAdapter: (dashboard: DashboardOptions) => createDashboardAdapter(queue, dashboard),

    /** Ends the queue's own connection, whether Redis lives or not. */
    async close(): Promise<void> {
      closeRedis(redis);
      await queue.close().catch(() => {});
    },
  };
}
