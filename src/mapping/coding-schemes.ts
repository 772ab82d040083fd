/**
 * DICOM coding schemes (PS3.16 §8, table 8-1) as FHIR systems. A designator such as `99ABC` is no URI, so a scheme that is neither in this table nor
 * named by a UID nor in the site's own map has no system, and its codes are given as text only (mapping rule D.5).
 */
import { SNOMED } from "./laterality.ts";
import { DCM } from "./modalities.ts";

export type CodingScheme = {
  /** Coding Scheme Designators (0008,0102), upper case. */
  designators: readonly string[];
  /** Coding Scheme UIDs (0008,010C). */
  uids: readonly string[];
  system: string;
  /** Where the URI is from: FHIR R4's list of known code systems, or HL7 Terminology (THO). */
  source: string;
};

const FHIR_LIST = "FHIR R4, known code systems";

export const CODING_SCHEMES: readonly CodingScheme[] = [
  { designators: ["DCM"], uids: ["1.2.840.10008.2.16.4"], system: DCM, source: FHIR_LIST },
  { designators: ["SCT"], uids: ["2.16.840.1.113883.6.96"], system: SNOMED, source: FHIR_LIST },
  { designators: ["LN"], uids: ["2.16.840.1.113883.6.1"], system: "http://loinc.org", source: FHIR_LIST },
  // The designator UCM is how several makers of dose reports write UCUM.
  {
    designators: ["UCUM", "UCM"],
    uids: ["2.16.840.1.113883.6.8"],
    system: "http://unitsofmeasure.org",
    source: FHIR_LIST,
  },
  {
    designators: ["MDC"],
    uids: ["2.16.840.1.113883.6.24"],
    system: "urn:iso:std:iso:11073:10101",
    source: FHIR_LIST,
  },
  {
    designators: ["C4", "CPT4", "C5", "CPT5"],
    uids: ["2.16.840.1.113883.6.12"],
    system: "http://www.ama-assn.org/go/cpt",
    source: FHIR_LIST,
  },
  {
    designators: ["RXNORM"],
    uids: ["2.16.840.1.113883.6.88"],
    system: "http://www.nlm.nih.gov/research/umls/rxnorm",
    source: FHIR_LIST,
  },
  {
    designators: ["UNII"],
    uids: ["2.16.840.1.113883.4.9"],
    system: "http://fdasis.nlm.nih.gov",
    source: FHIR_LIST,
  },
  {
    designators: ["I10"],
    uids: ["2.16.840.1.113883.6.3"],
    system: "http://hl7.org/fhir/sid/icd-10",
    source: FHIR_LIST,
  },
  {
    designators: ["I10C"],
    uids: ["2.16.840.1.113883.6.90"],
    system: "http://hl7.org/fhir/sid/icd-10-cm",
    source: FHIR_LIST,
  },
  {
    designators: ["I9C"],
    uids: ["2.16.840.1.113883.6.103"],
    system: "http://hl7.org/fhir/sid/icd-9-cm",
    source: FHIR_LIST,
  },
  // FHIR R4's list has http://www.radlex.org; HL7 Terminology, which has superseded it, has this one.
  {
    designators: ["RADLEX"],
    uids: ["2.16.840.1.113883.6.256"],
    system: "http://radlex.org",
    source: "THO CodeSystem RadLex 1.0.2",
  },
  {
    designators: ["NCIT"],
    uids: ["2.16.840.1.113883.3.26.1.1"],
    system: "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    source: "THO CodeSystem v3-nciThesaurus 3.0.0",
  },
  {
    designators: ["UMLS"],
    uids: ["2.16.840.1.113883.6.86"],
    system: "http://terminology.hl7.org/CodeSystem/umls",
    source: "THO CodeSystem umls",
  },
  // No URI of its own was found in HL7 Terminology; the OID is table 8-1's.
  {
    designators: ["FMA"],
    uids: ["2.16.840.1.113883.6.119"],
    system: "urn:oid:2.16.840.1.113883.6.119",
    source: "PS3.16 table 8-1 (UID)",
  },
];

/** SNOMED's codes from before SNOMED CT; they mean something in FHIR only when translated (PS3.16 Annex O). */
const SNOMED_RT = new Set(["SRT", "SNM3", "99SDM"]);
const SNOMED_RT_UIDS = new Set(["2.16.840.1.113883.6.5", "2.16.840.1.113883.6.51", "2.16.840.1.113883.6.53"]);

const byDesignator = new Map(
  CODING_SCHEMES.flatMap((scheme) => scheme.designators.map((name) => [name, scheme.system])),
);
const byUid = new Map(CODING_SCHEMES.flatMap((scheme) => scheme.uids.map((uid) => [uid, scheme.system])));

const OID = /^[0-2](\.(0|[1-9]\d*)){2,}$/;

/** What a scheme is to us: a system; SNOMED's old codes; or nothing that has a URI. */
export type SchemeMeaning = { kind: "system"; system: string } | { kind: "snomed-rt" } | { kind: "unknown" };

/**
 * Order: the UID (a known system, else `urn:oid:`), the known designators, the site's map by designator. The site's map may also name a UID, which then
 * has that system instead of `urn:oid:`.
 */
export function schemeMeaning(
  uid: string | undefined,
  designator: string | undefined,
  siteMap: Readonly<Record<string, string>>,
): SchemeMeaning {
  const mapped = (name: string | undefined) =>
    name !== undefined && Object.hasOwn(siteMap, name) ? siteMap[name] : undefined;
  const name = designator?.toUpperCase();
  if (SNOMED_RT.has(name ?? "") || SNOMED_RT_UIDS.has(uid ?? "")) return { kind: "snomed-rt" };
  const system =
    (uid === undefined
      ? undefined
      : (byUid.get(uid) ?? mapped(uid) ?? (OID.test(uid) ? `urn:oid:${uid}` : undefined))) ??
    byDesignator.get(name ?? "") ??
    mapped(designator);
  return system === undefined ? { kind: "unknown" } : { kind: "system", system };
}
