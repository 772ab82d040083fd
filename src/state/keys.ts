/** All Redis keys of a source. They share one hash tag, so that a script may touch them all, on a cluster too. docs/operations.md prints this table. */
import type { StudyId } from "../study.ts";

export type Keys = {
  /** hash {writeId, text}: the checkpoint and the id of the write that stored it */
  checkpoint: string;
  /** sorted sets of pending studies by the time since when; a pending study is in exactly one of them */
  live: string;
  low: string;
  /** sorted set of failed studies by the time of the failure */
  failed: string;
  /** hash code → how many pending studies carry it */
  codes: string;
  /** hash study → JSON {count, rows}: rejected instances of its last sync */
  rejected: string;
  /** list of JSON: the last feed entries that could not be used; and how many there ever were */
  entries: string;
  entryCount: string;
  /** sorted set of studies to look at once more by the time when, because the outcome of a write is unknown */
  secondLooks: string;
  /** string: which process may create the Patients and supporting resources that share this place */
  creation(place: string): string;
  /** string: holder of the follower's lease */
  lease: string;
  /** hash name → value: layout, mapping version, identity options */
  stamp: string;
  /** hash id → JSON: operators' requests */
  requests: string;
  /** string: the last status snapshot */
  status: string;
  /** hash of one study: its row while pending or failed, and what is remembered of it for a while after */
  row(study: StudyId): string;
};

export function keysOf(sourceId: string): Keys {
  const key = (name: string) => `studycast:{${sourceId}}:${name}`;
  return {
    checkpoint: key("checkpoint"),
    live: key("live"),
    low: key("low"),
    failed: key("failed"),
    codes: key("codes"),
    rejected: key("rejected"),
    entries: key("entries"),
    entryCount: key("entry-count"),
    secondLooks: key("second-looks"),
    creation: (place) => key(`c:${place}`),
    lease: key("lease"),
    stamp: key("stamp"),
    requests: key("requests"),
    status: key("status"),
    row: (study) => key(`s:${study}`),
  };
}
