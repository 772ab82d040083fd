/**
 * The queue as bull-board sees it. BullMQ's own retry bypasses deduplication, after which two syncs of a study can run at once; here a retry marks the
 * study again, which enqueues it in order, and then takes the old failed job away. What would lose jobs or make foreign ones is refused.
 */
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { Job, Queue } from "bullmq";
import type { StudyId } from "../study.ts";
import { removeEnded } from "./carriers.ts";
import type { SyncJobData } from "./job.ts";

export type DashboardOptions = {
  /** Marks the study again and enqueues it. */
  retry(study: StudyId): Promise<void>;
};

export function createDashboardAdapter(queue: Queue<SyncJobData>, options: DashboardOptions): BullMQAdapter {
  return new SafeAdapter(queue, options);
}

const refuse = (what: string): never => {
  throw new Error(`studycast: ${what} is not offered here; use the studycast command`);
};

class SafeAdapter extends BullMQAdapter {
  readonly #options: DashboardOptions;
  readonly #queue: Queue<SyncJobData>;

  constructor(queue: Queue<SyncJobData>, options: DashboardOptions) {
    super(queue, { allowRetries: true, description: "Sync jobs, one per pending study" });
    this.#options = options;
    this.#queue = queue;
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job && safeJob(job, this.#queue, this.#options);
  }

  override async getJobs(...args: Parameters<BullMQAdapter["getJobs"]>): Promise<Job[]> {
    return (await super.getJobs(...args)).map((job) => safeJob(job, this.#queue, this.#options));
  }

  override async clean(...[status, graceMs]: Parameters<BullMQAdapter["clean"]>): Promise<void> {
    if (status !== "completed" && status !== "failed") refuse("removing jobs of pending studies");
    await super.clean(status, graceMs);
  }

  override async addJob(): Promise<Job> {
    return refuse("adding a job");
  }
  override async empty(): Promise<void> {
    refuse("emptying the queue");
  }
  override async obliterate(): Promise<void> {
    refuse("deleting the queue");
  }
  override get supportsGlobalRateLimit(): boolean {
    return false; // the rate limit key is the circuit breaker's
  }
}

function safeJob(job: Job, queue: Queue<SyncJobData>, options: DashboardOptions): Job {
  const replaced: Record<string, unknown> = {
    async retry() {
      await options.retry((job.data as SyncJobData).study);
      if (job.id !== undefined) await removeEnded(queue, job.id);
    },
    async remove() {
      if (job.finishedOn === undefined) refuse("removing the job of a pending study");
      await job.remove();
    },
    updateData: async () => refuse("changing a job"),
  };
  return new Proxy(job, {
    get(target, name) {
      const own = typeof name === "string" ? replaced[name] : undefined;
      const value: unknown = own ?? Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
