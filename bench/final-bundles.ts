/**
 * The requests a sync sends for a synthetic study that FHIR does not hold yet, as texts: the look-up and the final transaction. Made from study 0
 * once; those of any other study by putting in its numbers and ids, so that whoever sends them spends nothing on making them.
 */
import { type FhirClient, lookUpBoth, planStudy } from "../src/fhir/index.ts";
import {
  buildStudy,
  createAttributePool,
  instanceAttributes,
  patientId,
  type StudyIdentity,
  type StudyResources,
  studyIdentity,
  studyResourceId,
} from "../src/mapping/index.ts";
import { DEFAULT_PARTITION, type StudyId, studyId } from "../src/study.ts";
import { PATIENT_ID_SYSTEM, SOURCE_ID } from "./stage.ts";
import { MAPPING, syntheticStudies } from "./synthetic-study.ts";

export type StudyRequests = { study: StudyId; lookUp: string; transaction: string };

/** What differs between the requests of two studies. */
type Slots = { number: string; resourceId: string; patientNumber: string; patientId: string };

const STUDY_BASE = 1e14;
export const STUDIES_PER_PATIENT = 2;

function slotsOf(index: number, study: StudyId): Slots {
  const patientNumber = `SYN${String(Math.floor(index / STUDIES_PER_PATIENT)).padStart(9, "0")}`;
  return {
    number: String(STUDY_BASE + index),
    resourceId: studyResourceId(SOURCE_ID, study),
    patientNumber,
    patientId: patientId(PATIENT_ID_SYSTEM, patientNumber),
  };
}

/** A function that gives the requests of the study with this index, of `images` images. Every second study finds its Patient there. */
export function finalBundles(images: number): (index: number) => StudyRequests {
  const [sample] = syntheticStudies(1, images);
  if (sample === undefined) throw new RangeError("no study");
  const { study } = sample;
  const base = studyIdentity(SOURCE_ID, study).studyUid;
  const uidOf = (index: number) => base.replace(String(STUDY_BASE), String(STUDY_BASE + index));
  const slots = slotsOf(0, study);
  const [withPatient, lookUp] = sampleRequests(sample);
  const alone = { ...withPatient, entry: withPatient.entry.filter((entry) => !isPatient(entry)) };
  const templates = [withPatient, alone, lookUp].map((body) => cut(JSON.stringify(body), slots));
  return (index) => {
    const id = studyId(DEFAULT_PARTITION, uidOf(index));
    const own = slotsOf(index, id);
    const [full = "", small = "", lookUp = ""] = templates.map((template) => template(own));
    const transaction = index % STUDIES_PER_PATIENT === 0 ? full : small;
    return { study: id, lookUp, transaction };
  };
}

type Body = { resourceType: "Bundle"; type: string; entry: object[] };

function isPatient(entry: object): boolean {
  return JSON.stringify(entry).startsWith('{"resource":{"resourceType":"Patient"');
}

function sampleRequests({ study, texts }: ReturnType<typeof syntheticStudies>[number]): [Body, Body] {
  const pool = createAttributePool();
  const instances = texts.flatMap((text) => {
    const attributes = instanceAttributes(JSON.parse(text), MAPPING, pool);
    return attributes.kind === "instance" ? [attributes] : [];
  });
  const wanted = buildStudy(study, instances, MAPPING);
  const identity = studyIdentity(SOURCE_ID, study);
  const found = { identity, own: [], sameUid: [], endpoints: [] };
  // All studies are of one scanner: its Device is there after the first of them.
  const devices = wanted.supporting.map(
    ({ resource }) =>
      [String(resource.id), { kind: "found" as const, resource: { ...resource, id: String(resource.id) } }] as const,
  );
  const plan = planStudy(found, { kind: "absent" }, wanted, { patientPolicy: "create" }, new Map(devices));
  if (plan.kind !== "write") throw new Error(`the plan of a new study is ${plan.kind}`);
  const put = plan.writes.map(({ resource }) => ({
    resource,
    request: { method: "PUT", url: `${resource.resourceType}/${resource.id}` },
  }));
  return [bundle("transaction", put), bundle("batch", lookUpEntries(identity, wanted))];
}

/** What the worker asks for, from its own look-up. */
function lookUpEntries(identity: StudyIdentity, wanted: StudyResources): object[] {
  const entries: object[] = [];
  const recording = {
    batch(asked: readonly object[]) {
      entries.push(...asked);
      return new Promise<never>(() => {});
    },
  };
  lookUpBoth(recording as unknown as FhirClient, identity, wanted, AbortSignal.abort());
  return entries;
}

const bundle = (type: string, entry: object[]): Body => ({ resourceType: "Bundle", type, entry });

/** Cuts the text where one of the values stands. */
function cut(text: string, slots: Slots): (values: Slots) => string {
  const names = Object.keys(slots) as (keyof Slots)[];
  const pattern = new RegExp(`(${names.map((name) => slots[name]).join("|")})`);
  const nameOf = new Map(names.map((name) => [slots[name], name]));
  // With one group, split gives literal, value, literal, …
  const pieces = text.split(pattern).map((piece, at) => (at % 2 === 1 ? (nameOf.get(piece) ?? "number") : piece));
  return (values) => {
    let whole = "";
    for (let at = 0; at < pieces.length; at++) {
      const piece = pieces[at] ?? "";
      whole += at % 2 === 1 ? values[piece as keyof Slots] : piece;
    }
    return whole;
  };
}
