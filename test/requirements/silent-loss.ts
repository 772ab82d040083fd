/** The faults of DICOMcast's change-feed reader (F), and silent loss or a study on the wrong patient (A). */
import {
  BAD_PAGE,
  CHANGES,
  CHECKPOINT,
  CLIENT,
  CRASH,
  E2E_OTHERS,
  EMPTY_FEED,
  FEED_TROUBLE,
  FIELD,
  FOLLOW,
  LATE,
  OBSERVATIONS,
  OTHERS,
  OUTAGE,
  PARTITIONS,
  PLAN,
  POISON,
  RESET,
  SERVER,
  START,
  STATUS,
  TWO_FOLLOWERS,
  UPDATE,
} from "./proofs.ts";
import type { Requirement } from "./requirement.ts";

export const SILENT_LOSS: readonly Requirement[] = [
  { id: "F1", mustNotHappen: "a checkpoint beyond the feed's end makes the reader run away", tests: [RESET] },
  { id: "F2", mustNotHappen: "entries behind a bad one and a gap are skipped", tests: [BAD_PAGE] },
  { id: "F3", mustNotHappen: "a lower sequence that is committed late is never read", tests: LATE },
  { id: "F4", mustNotHappen: "an Update entry ends the process", tests: UPDATE },
  { id: "F5", mustNotHappen: "an empty service ends the process", tests: EMPTY_FEED },
  { id: "F6", mustNotHappen: "an error of the state store is taken for no state", tests: CHECKPOINT },
  {
    id: "F7",
    mustNotHappen: "what FHIR refuses is passed over and never tried again",
    tests: [OUTAGE, POISON, STATUS],
  },
  { id: "F8", mustNotHappen: "a page that fails blocks the feed or ends the process", tests: [BAD_PAGE, FEED_TROUBLE] },
  { id: "F9", mustNotHappen: "two processes move one checkpoint", tests: [TWO_FOLLOWERS, CRASH] },
  { id: "F10", mustNotHappen: "equal UIDs of two partitions fall into one ImagingStudy", tests: PARTITIONS },

  { id: "A1", mustNotHappen: "an entry below the highest one seen is lost", tests: LATE },
  { id: "A2", mustNotHappen: "a hiccup of the store starts the feed again from 0", tests: CHECKPOINT },
  {
    id: "A3",
    mustNotHappen: "a feed that was reset is followed as if it were the old one",
    tests: [
      RESET,
      [FOLLOW, "another feed that has grown past the checkpoint is told by an entry that no longer reads back"],
      [
        START,
        "a feed that ends before the checkpoint stops following and says so; the process lives, checkpoint set 0 cures it",
      ],
    ],
  },
  { id: "A4", mustNotHappen: "good entries are skipped beside one that cannot be parsed", tests: [BAD_PAGE] },
  {
    id: "A5",
    mustNotHappen: "a page within a run of unused numbers is taken for the end",
    tests: [[FOLLOW, "a gap of %i sequences that are never used is passed and does not stay open"]],
  },
  { id: "A6", mustNotHappen: "an outage of FHIR loses images", tests: [OUTAGE] },
  { id: "A7", mustNotHappen: "a transient answer of FHIR is taken for a permanent one", tests: [STATUS, POISON] },
  {
    id: "A8",
    mustNotHappen: "a race that FHIR answers with 409 parks the study",
    tests: [STATUS, [CLIENT, "with %s is not done, though the bundle says 200"]],
  },
  {
    id: "A9",
    mustNotHappen: "what has failed cannot be put back",
    tests: [POISON, ["misuse/commands.test.ts", "resync --study brings this study back and no other"]],
  },
  {
    id: "A10",
    mustNotHappen: "an entry that makes no sense is skipped without a trace",
    tests: [
      [
        "misuse/commands.test.ts",
        "an entry and an instance that make no sense: the rest is written, both are listed in rejected --json",
      ],
    ],
  },
  {
    id: "A11",
    mustNotHappen: "a corrected study stays on the wrong patient",
    tests: [[CHANGES, "a study that moves to another patient is that patient's"], CRASH],
  },
  { id: "A12", mustNotHappen: "a bulk update restarts the process for ever", tests: UPDATE },
  {
    id: "A13",
    mustNotHappen: "demographics of the EHR are overwritten",
    tests: [
      [
        OTHERS,
        "link writes no Patient, whatever is found",
        "create writes no Patient that it did not make, nor one that somebody has edited since",
      ],
      [E2E_OTHERS, "are not touched under policy %s, and carry the studies"],
    ],
  },
  {
    id: "A14",
    mustNotHappen: "one number of two hospitals is one Patient",
    tests: [
      [FIELD, "one Patient ID of two hospitals is one Patient"],
      [PLAN, "an identifier without a system is never written"],
      [START, "neither PATIENT_ID_SYSTEM nor ISSUER_SYSTEMS: refused, both are named"],
    ],
  },
  {
    id: "A15",
    mustNotHappen: "a missing issuer splits a person",
    tests: [[FIELD, "a modality that omits the issuer splits the person into two Patients"]],
  },
  {
    id: "A16",
    mustNotHappen: "a study without a Patient ID never appears",
    tests: [[CHANGES, "a study whose Patient ID is emptied is nobody's, and its patient's again when it is restored"]],
  },
  { id: "A17", mustNotHappen: "a deletion in one partition removes the other's instances", tests: PARTITIONS },
  {
    id: "A18",
    mustNotHappen: "one deletion removes all dose Observations of a study",
    tests: [[OBSERVATIONS, "one deletion removes all dose Observations of a study"]],
  },
  {
    id: "A19",
    mustNotHappen: "a deletion leaves reports that point at nothing",
    tests: [[SERVER, "a study that others refer to is marked when its deletion is refused, and comes back"]],
  },
  {
    id: "A20",
    mustNotHappen: "a server that alters meta.source keeps a study from being deleted",
    tests: [
      [
        PLAN,
        "a study that FHIR holds as it is needs no write, whatever order, meta and narrative the server gives it",
        "removes only what we made",
      ],
    ],
  },
  {
    id: "A21",
    mustNotHappen: "a Patient ID with search characters finds somebody else",
    tests: [[SERVER, "a Patient ID with FHIR's search characters finds its own Patient and nobody else's"]],
  },
];
