export type { RejectedFeedEntry, RejectedRow, RejectedStudy } from "./rejected.ts";
export type { RequestCommand, RequestProgress, StoredRequest } from "./requests.ts";
export type { SecondLook } from "./second-looks.ts";
export { LAYOUT, type Stamped } from "./stamp.ts";
export { createState, type State, type StateOptions, type StoredCheckpoint } from "./state.ts";
export type { BegunSync, Change, JobOrder, Marked, Outcome, PageWrite, Settled } from "./study-marks.ts";
export type { Counts, FailedStudy, PendingStudy } from "./views.ts";
