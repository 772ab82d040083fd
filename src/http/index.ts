/** The HTTP server: probes, metrics, status page; mounts the dashboard it is given. */
export { dashboardPlugin } from "./dashboard.ts";
export type { Verdict } from "./probes.ts";
export { type HttpOptions, type HttpServer, startHttpServer } from "./server.ts";
export type { FailedStudy, FeedRange, FeedState, PendingStudy, StatusSnapshot, WorkerStatus } from "./status.ts";
export { statusText } from "./status-text.ts";
