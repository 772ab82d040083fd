/** It stops, loops or gets stuck. */
import {
  BAD_PAGE,
  CHANGES,
  CLIENT,
  DEFECTS,
  EMPTY_FEED,
  FEED_TROUBLE,
  FIELD,
  OTHERS,
  OUTAGE,
  PAGES,
  POISON,
  QUEUE,
  READ,
  SERVER,
  START,
  STATUS,
} from "./proofs.ts";
import type { Requirement } from "./requirement.ts";

export const STOPS: readonly Requirement[] = [
  {
    id: "B1",
    mustNotHappen: "an error of the feed ends the process",
    tests: [FEED_TROUBLE, [PAGES, "a page that takes too long is read in smaller parts"]],
  },
  {
    id: "B2",
    mustNotHappen: "an instance that cannot be parsed ends the process",
    tests: [[READ, "one bad metadata blob does not take the study with it: its instance is named as unreadable"]],
  },
  {
    id: "B3",
    mustNotHappen: "-Infinity as a text costs the image",
    tests: [[FIELD, "%s that a strict reader refuses costs the image"]],
  },
  {
    id: "B4",
    mustNotHappen: "429 or 5xx on a search ends the process",
    tests: [[CLIENT, "with %s is not taken for 'nothing there'"]],
  },
  {
    id: "B5",
    mustNotHappen: "a deletion without metadata ends the process",
    tests: [[CHANGES, "a study that is deleted leaves FHIR, and its Patient stays"]],
  },
  {
    id: "B6",
    mustNotHappen: "a create whose instance is gone meanwhile is an error",
    tests: [[DEFECTS, "a study that is deleted before it was read makes an error, or an ImagingStudy"]],
  },
  {
    id: "B7",
    mustNotHappen: "a create without metadata ends the process",
    tests: [["changefeed/client.test.ts", "asks for windows of sequences without metadata"]],
  },
  {
    id: "B8",
    mustNotHappen: "a loop is dead and the process says nothing",
    tests: [["loops.test.ts", "one that fails ends the others, and its error is told though another one hangs"]],
  },
  {
    id: "B9",
    mustNotHappen: "a fatal error ends with exit code 0",
    tests: [
      ["cli/command-line.test.ts", "%j is one line with what to type, exit code 1"],
      [START, "a missing option is named"],
    ],
  },
  {
    id: "B10",
    mustNotHappen: "one failing study stops all others",
    tests: [
      POISON,
      [
        QUEUE,
        "a permanent failure is kept as failed, with a job in the failed view that holds safe text only; other studies flow",
      ],
    ],
  },
  { id: "B11", mustNotHappen: "a kind of error has been forgotten among those to try again", tests: [STATUS, OUTAGE] },
  {
    id: "B12",
    mustNotHappen: "a bad code item fails the instance",
    tests: [
      [
        "mapping/codes.test.ts",
        "an item without code and meaning is nothing",
        "a code with spaces that FHIR's code does not allow is text only",
      ],
    ],
  },
  {
    id: "B13",
    mustNotHappen: "a time zone offset costs the instance",
    tests: [
      ["mapping/nasty-inputs.test.ts", "the offset attribute wins over the configured zone, an unusable one does not"],
    ],
  },
  {
    id: "B14",
    mustNotHappen: "an Endpoint with another address parks every study",
    tests: [[DEFECTS, "an Endpoint that carries another address parks every study"]],
  },
  {
    id: "B15",
    mustNotHappen: "one source's Endpoint is taken for another's",
    tests: [
      [SERVER, "all studies of a source are found with their partitions, and no other source's"],
      [OTHERS, "of two sources or partitions never share a resource, an identifier or an Endpoint"],
    ],
  },
  { id: "B16", mustNotHappen: "a new, empty service ends the process", tests: EMPTY_FEED },
  { id: "B17", mustNotHappen: "one missing blob fails a page for ever", tests: [BAD_PAGE] },
  {
    id: "B18",
    mustNotHappen: "without telemetry the worker does not start",
    tests: [["misuse/telemetry.test.ts", "must not happen: without telemetry the worker does not start"]],
  },
  {
    id: "B19",
    mustNotHappen: "unchanged resources are written again",
    tests: [
      [
        "e2e/load.test.ts",
        "read again from sequence 0 with Redis kept: not one further write",
        "read again with Redis lost: not one further write",
      ],
    ],
  },
];
