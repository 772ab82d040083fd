/** What DICOMcast's mapping did wrong (M1 to M37), and what other converters did (P): by number, the tests that show that it does not happen here. */
import { CHANGES, CLIENT, DEFECTS, OTHERS, PLAN, SERVER, UPDATE } from "./proofs.ts";
import type { Requirement } from "./requirement.ts";

const MAPPING = "mapping/dicomcast-defects.test.ts";
const PEERS = "mapping/peers-defects.test.ts";
const FIELD = "mapping/field-defects.test.ts";
const STUDY = "mapping/study.test.ts";
const NO_OBSERVATION =
  "No Observation is written; others' stay, see one deletion removes all dose Observations of a study.";
const SYSTEMS = [MAPPING, "a coding scheme designator or free text stands where a URI must"] as const;
const GROWS = [MAPPING, "a changed accession number or description stays beside the new one"] as const;
const ZONE = [MAPPING, "UTC is asserted of a time whose zone nobody knows, or midnight of a day"] as const;
const ERASES = [MAPPING, "an empty sex, name or birth date erases what the patient has"] as const;
const ALL_ROWS = [
  PEERS,
  "laterality, body site, performers, referrer, interpreter, order, procedure, reason, location, visit, specimen, title or device are not mapped",
] as const;

export const MAPPING_DEFECTS: readonly Requirement[] = [
  {
    id: "M1",
    mustNotHappen: "the study has no modality where Modalities in Study is absent",
    tests: [[MAPPING, "the study has no modality because Modalities in Study (0008,0061) is absent"]],
  },
  { id: "M2", mustNotHappen: "a modality's system is `DCM`", tests: [SYSTEMS] },
  {
    id: "M3",
    mustNotHappen: "modalities, endpoints, notes and accession numbers only grow",
    tests: [
      [MAPPING, "a deleted series leaves its modality in the study"],
      GROWS,
      [CHANGES, "a study shrinks with its instances and series, leaves FHIR with its last image, and comes back"],
    ],
  },
  { id: "M4", mustNotHappen: "the description becomes one note more at each change", tests: [GROWS] },
  {
    id: "M5",
    mustNotHappen: "the counts are not written",
    tests: [[MAPPING, "numbers of series and instances are missing"]],
  },
  {
    id: "M6",
    mustNotHappen: "a series has no modality",
    tests: [[MAPPING, "series.modality is missing, although FHIR requires it"]],
  },
  {
    id: "M7",
    mustNotHappen: "sopClass has no system and no `urn:oid:`",
    tests: [[MAPPING, "sopClass is a bare UID without a system"]],
  },
  {
    id: "M8",
    mustNotHappen: "a date without a time is no start",
    tests: [[MAPPING, "a study with a date and no time has no start"]],
  },
  {
    id: "M9",
    mustNotHappen: "`+00:00` is asserted, or a bad offset takes the start away",
    tests: [ZONE, [MAPPING, "a bad offset takes the start away"]],
  },
  {
    id: "M10",
    mustNotHappen: "an instance without date and time erases the start",
    tests: [[STUDY, "one image without date and time does not take them from the study"]],
  },
  {
    id: "M11",
    mustNotHappen: "the issuer of an accession number is ignored",
    tests: [[STUDY, "accession numbers are joined, once each, as identifiers and as orders"]],
  },
  {
    id: "M12",
    mustNotHappen: "a Patient ID's system is empty, or an issuer's free text",
    tests: [
      [MAPPING, "an identifier has an empty system"],
      [STUDY, "free text never becomes a system; it is shown as the assigner"],
    ],
  },
  {
    id: "M13",
    mustNotHappen: "an instance is refused for its Patient ID",
    tests: [[MAPPING, "an instance without Patient ID, or with two, is refused"]],
  },
  {
    id: "M14",
    mustNotHappen: "an ID's characters widen a search",
    tests: [
      [SERVER, "a Patient ID with FHIR's search characters finds its own Patient and nobody else's"],
      [CLIENT, "is one batch, asks past the server's search cache, and escapes what it searches for"],
    ],
  },
  {
    id: "M15",
    mustNotHappen: "name groups and parts are mixed, or old parts stay",
    tests: [
      [
        MAPPING,
        "the middle of a Japanese name lands among the given names",
        "double spaces make empty given names",
        "an empty sex, name or birth date erases what the patient has",
      ],
      [
        "fhir/plan-patient.test.ts",
        "a changed name leaves nothing of the old one: no prefix, no suffix, no middle name",
      ],
    ],
  },
  { id: "M16", mustNotHappen: "an empty or unusual sex erases or stops", tests: [ERASES] },
  {
    id: "M17",
    mustNotHappen: "a partial birth date becomes a full one, a wrong one is never corrected",
    tests: [
      [MAPPING, "a partial birth date becomes the first of January"],
      ["fhir/plan-patient.test.ts", "a corrected birth date is written, and takes a time of birth of another day away"],
    ],
  },
  {
    id: "M18",
    mustNotHappen: "the EHR's Patient is overwritten",
    tests: [[PLAN, "create never writes a Patient of others; sync does, and keeps what is not ours"]],
  },
  {
    id: "M19",
    mustNotHappen: "a study stays with the wrong patient",
    tests: [[PLAN, "a changed Patient ID moves the study; an emptied one takes it off the wrong person"]],
  },
  { id: "M20", mustNotHappen: "an update in the feed stops the worker for good", tests: UPDATE },
  {
    id: "M21",
    mustNotHappen: "Observations are posted anew at a replay",
    tests: [["e2e/observations.test.ts", "a replay posts Observations again"]],
  },
  {
    id: "M22",
    mustNotHappen: "one deleted image deletes the study's Observations",
    tests: [["e2e/observations.test.ts", "one deletion removes all dose Observations of a study"]],
  },
  ...(["M23", "M24", "M25", "M26", "M27", "M28", "M29", "M30", "M31"] as const).map((id) => ({
    id,
    mustNotHappen: "dose Observations without identity, link, values, status or recognition",
    whyNot: NO_OBSERVATION,
  })),
  {
    id: "M32",
    mustNotHappen: "the Endpoint has an empty payload type, a trailing slash, or is found by its name",
    tests: [
      [
        MAPPING,
        "the endpoint's address has a trailing slash or a path of a sub-resource, or its payload type is empty",
      ],
      [DEFECTS, "an Endpoint that carries another address parks every study"],
    ],
  },
  {
    id: "M33",
    mustNotHappen: "an emptied study stays because the server drops meta.source",
    tests: [[CHANGES, "a study that is deleted leaves FHIR, and its Patient stays"]],
  },
  {
    id: "M34",
    mustNotHappen: "a deletion takes what was written meanwhile",
    tests: [[SERVER, "a study deleted between look-up and write, and one created meanwhile, are lost races"]],
  },
  {
    id: "M35",
    mustNotHappen: "a study is written once per image",
    tests: [[DEFECTS, "a study of many images is written once for each of them"]],
  },
  {
    id: "M36",
    mustNotHappen: "instances that disagree flip a value",
    tests: [
      [MAPPING, "instances that disagree make values flip with the order they come in"],
      [STUDY, "any order of the same instances gives the same bytes"],
    ],
  },
  { id: "M37", mustNotHappen: "most attributes are never mapped", tests: [ALL_ROWS] },
  {
    id: "P1",
    mustNotHappen: "an absent attribute costs the instance or the study; device lists and SNO go astray; the UID goes",
    tests: [
      [
        PEERS,
        "an absent attribute that nothing depends on (Burned In Annotation, Accession Number) costs instance or study",
        "the equipment of one study appears in another, or twice in one series",
        "a serial number is an identifier in the system of DICOM UIDs",
      ],
      [MAPPING, "the study UID is no identifier any more when there is an accession number"],
    ],
  },
  {
    id: "P2",
    mustNotHappen: "broken JSON, wrapped identifiers, a number 0, a date with dots passed on, a default system crashes",
    tests: [
      [
        PEERS,
        "an absent performer, reader or reason leaves an empty list or object",
        "an order has the assigner's name where its system belongs, or an issuer as a system that is no URI",
      ],
      [MAPPING, "an instance without a number is lost, or gets zero"],
      [FIELD, "instance number %p is written"],
    ],
  },
  {
    id: "P3",
    mustNotHappen: "each export makes a resource more",
    tests: [
      [SERVER, "a study is created, then unchanged, then updated, then deleted and created again"],
      [OTHERS, "an addition alone is no reason to write"],
    ],
  },
  {
    id: "P4",
    mustNotHappen: "a coding scheme is a system, a body part's text a SNOMED code",
    tests: [
      [PEERS, "the designator of a private scheme, or SRT, is the system of a code"],
      [MAPPING, "the text of Body Part Examined is written as a SNOMED code"],
    ],
  },
  {
    id: "P5",
    mustNotHappen: "spaces, hours, dates and ids are mangled",
    tests: [
      [
        PEERS,
        "inner spaces of texts are stripped, or the afternoon becomes the morning",
        "a series' date is read from another attribute",
        "two Patient IDs that differ by punctuation only become one Patient",
      ],
    ],
  },
];
