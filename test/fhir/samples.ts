/** Small studies for the tests of src/fhir, made by the real mapping. */
import {
  buildStudy,
  createAttributePool,
  endpointResources,
  type InstanceAttributes,
  instanceAttributes,
  type MappingOptions,
  type StudyResources,
} from "../../src/mapping/index.ts";
import { studyId } from "../../src/study.ts";

export const MAPPING: MappingOptions = {
  sourceId: "pacs",
  patientIdSystem: "urn:oid:1.2.3.4",
  issuerSystems: {},
  instanceListLimit: 1000,
  splitGiven: false,
};

export type Sample = {
  uid?: string;
  partition?: string;
  patientId?: string;
  name?: string;
  sex?: string;
  birthDate?: string;
  date?: string;
  images?: number;
  /** Further elements, by tag. */
  more?: Record<string, unknown>;
};

export function study(sample: Sample = {}, options: MappingOptions = MAPPING): StudyResources {
  const { uid = "1.2.840.1", partition = "Microsoft.Default", images = 2 } = sample;
  const pool = createAttributePool();
  const instances = Array.from({ length: images }, (_, index) => dataset(uid, index + 1, sample))
    .map((one) => instanceAttributes(one, options, pool))
    .filter((one): one is InstanceAttributes => one.kind === "instance");
  return buildStudy(studyId(partition, uid), instances, options);
}

function dataset(uid: string, number: number, sample: Sample): Record<string, unknown> {
  const { patientId = "P1", name = "Doe^Jane", sex = "F", birthDate = "19700102", date = "20240102" } = sample;
  const one = (vr: string, value: unknown) => ({ vr, Value: value === "" ? [] : [value] });
  return {
    "00080016": one("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": one("UI", `${uid}.1.${number}`),
    "00080020": one("DA", date),
    "00080060": one("CS", "CT"),
    "00100010": one("PN", name === "" ? "" : { Alphabetic: name }),
    "00100020": one("LO", patientId),
    "00100030": one("DA", birthDate),
    "00100040": one("CS", sex),
    "0020000D": one("UI", uid),
    "0020000E": one("UI", `${uid}.1`),
    "00200011": one("IS", 1),
    "00200013": one("IS", number),
    ...sample.more,
  };
}

export function endpoint() {
  const [wadoRs] = endpointResources({ sourceId: "pacs" }, "Microsoft.Default", "http://127.0.0.1/v2");
  if (wadoRs === undefined) throw new Error("no endpoint");
  return wadoRs;
}
