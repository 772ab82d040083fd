/** Tests that several requirements name. */
export const FOLLOW = "changefeed/follow.test.ts";
export const PAGES = "changefeed/failing-pages.test.ts";
export const CLIENT = "fhir/client.test.ts";
export const SERVER = "fhir/server.test.ts";
export const PLAN = "fhir/plan.test.ts";
export const OTHERS = "fhir/others-data.test.ts";
export const QUEUE = "queue/queue.test.ts";
export const STATE = "state/state.test.ts";
export const CHANGES = "e2e/changes.test.ts";
export const DEFECTS = "e2e/dicomcast-defects.test.ts";
export const E2E_OTHERS = "e2e/others-data.test.ts";
export const OBSERVATIONS = "e2e/observations.test.ts";
export const READ = "dicomweb/read-study.test.ts";
export const START = "misuse/start.test.ts";
export const FIELD = "mapping/field-defects.test.ts";
export const POISON = [
  "faults/poison.test.ts",
  "a study that FHIR always answers with 422 fails with its reason, one with 503 stays pending, the others flow; retry heals",
] as const;
export const OUTAGE = [
  "faults/outages.test.ts",
  "%s down for more than three times the longest back-off: nothing is lost, nothing fails, status says what is waited for",
] as const;
export const RESET = [
  FOLLOW,
  "a feed that ends before the checkpoint stops the following, and nothing is read until it is right again",
  "a start beyond the end of the feed is told as a reset, not waited for",
] as const;
export const BAD_PAGE = [
  PAGES,
  "entries around one that fails for ever (%s) are read, and it is kept for the late read",
  "an entry that could not be read is reported when it can",
] as const;
export const EMPTY_FEED = [
  ["changefeed/client.test.ts", "%s for latest is an empty feed"],
  [FOLLOW, "an empty feed is no error, and its first entries are read"],
] as const;
export const STATUS = [CLIENT, "with status %i is %s, and says nothing of what the server said"] as const;
export const CHECKPOINT = [
  [DEFECTS, "a checkpoint that cannot be read for a while is taken for none, and the whole feed is read again"],
  [STATE, "no checkpoint yet and an empty one are different things"],
] as const;
export const LATE = [
  [FOLLOW, "an entry that is committed after a higher one is reported when it appears"],
  [FOLLOW, "an entry that is committed after the grace period is found by the late read"],
  [
    "changefeed/tracker-property.test.ts",
    "no entry is lost and none is reported twice while commits come within the grace period",
  ],
] as const;
export const PARTITIONS = [
  [E2E_OTHERS, "of two partitions are two studies; what is deleted in one stays in the other"],
  [OTHERS, "the study of one is neither changed nor removed by the other's"],
] as const;
export const UPDATE = [
  [CHANGES, "an update of attributes is in FHIR"],
  [
    FOLLOW,
    "malformed rows are named and hide nothing: unknown values mark their study, one without a study is rejected",
  ],
] as const;
export const FEED_TROUBLE = [
  FOLLOW,
  "503, 429 with Retry-After, 401 and a service that is gone are waited out, with the reason told",
] as const;
export const TWO_FOLLOWERS = [STATE, "of two followers that write after the same page one is refused"] as const;
export const CRASH = [
  "crash/crash-points.test.ts",
  "a process killed at any request of a study's move to another patient leaves FHIR as if it had not been killed",
] as const;
