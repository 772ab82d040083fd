/** Load, throttling and large studies (D); deployment, configuration and security (G). */
import { CLIENT, DEFECTS, E2E_OTHERS, PAGES, PLAN, QUEUE, START, STATUS } from "./proofs.ts";
import type { Requirement } from "./requirement.ts";

export const LOAD_AND_DEPLOYMENT: readonly Requirement[] = [
  {
    id: "D1",
    mustNotHappen: "a study is written once per image",
    tests: [[DEFECTS, "a study of many images is written once for each of them"]],
  },
  {
    id: "D2",
    mustNotHappen: "a study is too large to be written or read",
    tests: [
      [
        "mapping/study.test.ts",
        "above the limit plain images are counted and not listed, reports are listed, and the series says so",
      ],
    ],
  },
  {
    id: "D3",
    mustNotHappen: "429 is answered with more requests",
    tests: [
      [CLIENT, "429 tells how long to wait, in Retry-After or in Azure's header"],
      [QUEUE, "Retry-After is honoured up to the cap, and a running pause is never shortened"],
    ],
  },
  {
    id: "D4",
    mustNotHappen: "a Bundle over the server's limit is sent",
    tests: [[CLIENT, "larger than the limits is refused before it is sent"]],
  },
  {
    id: "D5",
    mustNotHappen: "two entries of a Bundle are for one resource",
    tests: [[PLAN, "a new study is its Patient and its ImagingStudy, both expected to be created"]],
  },
  {
    id: "D6",
    mustNotHappen: "a 500 in plain text is permanent",
    tests: [STATUS, [CLIENT, "that is an HTML page is no FHIR answer, whatever its status says"]],
  },
  {
    id: "D7",
    mustNotHappen: "every error brings a further request",
    tests: [
      [
        QUEUE,
        "while a service does not answer all workers pause, no attempt is counted, and all goes on when it is back",
      ],
    ],
  },
  {
    id: "D8",
    mustNotHappen: "full metadata is pulled from the feed",
    tests: [["changefeed/client.test.ts", "asks for windows of sequences without metadata"]],
  },
  {
    id: "D9",
    mustNotHappen: "the offset of a page grows with the feed",
    tests: [["changefeed/client.test.ts", "asks for windows of sequences without metadata"]],
  },
  {
    id: "D10",
    mustNotHappen: "catching up is serial",
    tests: [
      [PAGES, "no more pages are under way at once than the read-ahead allows"],
      ["e2e/workers.test.ts", "two workers: one follows, both sync, and at most one sync of a study is in flight"],
    ],
  },

  {
    id: "G1",
    mustNotHappen: "a second source cannot write into the same FHIR server",
    tests: [[E2E_OTHERS, "of two sources are two studies; what is deleted in one stays in the other"]],
  },
  {
    id: "G2",
    mustNotHappen: "the audience of a token is tied to the address",
    tests: [["config/resolve.test.ts", "azure has the audiences of Azure Health Data Services as default scopes"]],
  },
  {
    id: "G3",
    mustNotHappen: "the address used inside is the one published",
    tests: [[DEFECTS, "the address that studycast itself uses is published, where another one is to be"]],
  },
  {
    id: "G4",
    mustNotHappen: "what deploys it does not work",
    tests: [
      [
        "packaging/image.test.ts",
        "its start command runs the worker on a Redis of its own in /data, healthy, and SIGTERM ends it",
      ],
      ["packaging/compose.test.ts", "each variable of the worker is an option, and `start` accepts them together"],
    ],
  },
  {
    id: "G5",
    mustNotHappen: "a wrong option is found out by reading logs",
    tests: [[START, "a missing option is named", "a wrong value is named, with what is expected"]],
  },
  {
    id: "G6",
    mustNotHappen: "more rights are asked for than are used",
    tests: [
      ["e2e/rights.test.ts", "more rights are asked for than are used"],
      ["packaging/redis-acl.test.ts", "may not touch other keys, and not run the server"],
    ],
  },
  {
    id: "G7",
    mustNotHappen: "a FHIR server that cannot do it is found out by lost studies",
    tests: [[START, "a FHIR server of another version, or without update-as-create, is refused"]],
  },
  {
    id: "G8",
    mustNotHappen: "a kind of credential is missing",
    tests: [
      ["config/resolve.test.ts", "azure with a certificate needs tenant, client and file"],
      [
        "auth/authorize.test.ts",
        "a token file is read again when it changes, and one that is gone is told without its path's content",
      ],
    ],
  },
  {
    id: "G9",
    mustNotHappen: "those who come from DICOMcast get everything twice",
    tests: [["e2e/from-dicomcast.test.ts", "those who come from DICOMcast get everything twice"]],
  },
];
