export { createDicomClient, type DicomClient, probePartitions } from "./client.ts";
export type { Dataset, Unreadable } from "./metadata.ts";
export type { StudyFilter } from "./query.ts";
export type { StudyRead, StudyVisitor } from "./read-study.ts";
export { type DicomClientOptions, retrieveUrl } from "./site.ts";
