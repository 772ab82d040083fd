export type { DashboardOptions } from "./dashboard.ts";
export type { PausableService } from "./retry-policy.ts";
export { createSyncQueue, type QueueCounts, type SyncQueue, type SyncQueueOptions } from "./sync-queue.ts";
export type { Decision, RunningJob, SyncWorker, WorkOptions } from "./sync-worker.ts";
