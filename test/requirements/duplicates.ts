/** Duplicates and lost updates. */
import {
  CHANGES,
  CLIENT,
  CRASH,
  E2E_OTHERS,
  OBSERVATIONS,
  PLAN,
  QUEUE,
  SERVER,
  STATE,
  TWO_FOLLOWERS,
} from "./proofs.ts";
import type { Requirement } from "./requirement.ts";

export const DUPLICATES: readonly Requirement[] = [
  {
    id: "C1",
    mustNotHappen: "concurrent creates make two Patients",
    tests: [[SERVER, "eight workers that create one Patient at the same time end with one Patient"]],
  },
  {
    id: "C2",
    mustNotHappen: "one of several matches is picked in silence",
    tests: [[PLAN, "several Patients with the identifier: the study waits", "several of ours wait for a person"]],
  },
  {
    id: "C3",
    mustNotHappen: "a duplicate parks its studies for ever",
    tests: [
      [
        QUEUE,
        "a study that waits for a change elsewhere is looked at again after the long delay, or at once when it changes",
      ],
    ],
  },
  {
    id: "C4",
    mustNotHappen: "a replay posts Observations again",
    tests: [[OBSERVATIONS, "a replay posts Observations again"]],
  },
  {
    id: "C5",
    mustNotHappen: "a write that happened and was not answered is doubled",
    tests: [
      CRASH,
      [
        "e2e/workers.test.ts",
        "a worker that is killed ten times during the load ends in the same state, with nothing failed",
      ],
    ],
  },
  {
    id: "C6",
    mustNotHappen: "a stale search misses what was just written",
    tests: [
      [CLIENT, "is one batch, asks past the server's search cache, and escapes what it searches for"],
      ["contract/fhir/searches.ts", "see what was just written when the request says no-cache"],
    ],
  },
  {
    id: "C7",
    mustNotHappen: "the slower of two processes moves the checkpoint back",
    tests: [TWO_FOLLOWERS, [STATE, "a follower that lived through a rollback of Redis is refused"]],
  },
  {
    id: "C8",
    mustNotHappen: "two sources share one state",
    tests: [[E2E_OTHERS, "of two sources are two studies; what is deleted in one stays in the other"]],
  },
  {
    id: "C9",
    mustNotHappen: "a study that was deleted cannot come back",
    tests: [
      [SERVER, "a study is created, then unchanged, then updated, then deleted and created again"],
      [CHANGES, "a study shrinks with its instances and series, leaves FHIR with its last image, and comes back"],
    ],
  },
  {
    id: "C10",
    mustNotHappen: "a server that ignores ifMatch makes older content stay",
    tests: [[SERVER, "a plan on an old version is refused, or told as a lost race; the newer content stays"]],
  },
  {
    id: "C11",
    mustNotHappen: "the status of a write is ignored",
    tests: [[CLIENT, "is done when each entry's status is the expected one", "with %s is a lost race"]],
  },
  {
    id: "C12",
    mustNotHappen: "a study gets another id with each run",
    tests: [["e2e/load.test.ts", "another order of entries and of instances: the same bytes"]],
  },
  {
    id: "C13",
    mustNotHappen: "an id that was deleted is used for an hour",
    tests: [[SERVER, "a study deleted between look-up and write, and one created meanwhile, are lost races"]],
  },
];
