import type { Coding, Extension } from "fhir/r4";
import { absentCoding } from "./absent.ts";
import { acquisitionExtensions } from "./acquisition.ts";
import { seriesLists } from "./build-lists.ts";
import { NOT_LISTED_URL } from "./identity.ts";
import type { InstanceAttributes } from "./instance-attributes.ts";
import { instanceExtensions } from "./instance-extensions.ts";
import type { IssueCode } from "./issues.ts";
import { joinSides, lateralityCoding, type Side } from "./laterality.ts";
import type { InstanceModel, SeriesModel } from "./model.ts";
import { type BuildObserver, tell } from "./observer.ts";
import type { SeriesValues } from "./read-series.ts";
import type { Started } from "./read-study.ts";
import { objectKind, SOP_CLASSES } from "./sop-classes.ts";
import type { Keyword } from "./tags.ts";
import { compareText } from "./text.ts";
import { type Ballot, vote, winner } from "./vote.ts";

/** Counts an issue that only shows when instances are put side by side. */
export type Count = (keyword: Keyword, code: IssueCode, count: number) => void;

/**
 * @param instances those of one series, each SOP Instance UID once
 * @param listImages false above the listing threshold: plain images are then counted only
 */
export function buildSeries(
  uid: string,
  instances: readonly InstanceAttributes[],
  listImages: boolean,
  count: Count,
  observer?: BuildObserver,
): SeriesModel {
  const values = countBy(instances, (instance) => instance.seriesValues);
  const elect = <T>(pick: (values: SeriesValues) => T | undefined, keyword: Keyword): T | undefined => {
    const ballot: Ballot<T> = new Map();
    for (const [group, number] of values) vote(ballot, pick(group), number);
    tell(observer, "series", uid, keyword, ballot);
    const elected = winner(ballot);
    if (elected !== undefined && elected.losers > 0) count(keyword, "conflict", elected.losers);
    return elected?.value;
  };

  const number = elect((group) => group.number, "SeriesNumber");
  const modality = elect((group) => group.modality, "Modality") ?? modalityOfClasses(instances, count);
  const description = elect((group) => group.description, "SeriesDescription");
  const bodySite = elect((group) => group.bodySite, "BodyPartExamined");
  const side = joinSides(
    new Set([...values.keys()].map((group) => group.side).filter((one): one is Side => one !== undefined)),
  );
  const started =
    elect((group) => group.started, "SeriesDate") ??
    earliest(instances) ??
    elect((group) => group.stepStarted, "PerformedProcedureStepStartDate");
  const lists = seriesLists(values.keys(), count);
  const listed = listImages ? instances : instances.filter((instance) => objectKind(instance.sopClass) !== "image");
  return {
    extension: [
      ...notListed(instances.length - listed.length),
      ...acquisitionExtensions(instances.map(({ details }) => details.acquisition)),
    ],
    uid,
    number,
    modality,
    description,
    numberOfInstances: instances.length,
    endpoint: [],
    bodySite,
    laterality: side && lateralityCoding(side),
    specimen: lists.specimen,
    started: started?.dateTime,
    performer: lists.performer,
    instance: [...listed].sort(byNumberThenUid).map(buildInstance),
  };
}

export function countBy<K, V>(things: Iterable<K>, pick: (thing: K) => V): Map<V, number> {
  const counts = new Map<V, number>();
  for (const thing of things) counts.set(pick(thing), (counts.get(pick(thing)) ?? 0) + 1);
  return counts;
}

function notListed(number: number): Extension[] {
  return number === 0 ? [] : [{ url: NOT_LISTED_URL, valueUnsignedInt: number }];
}

/** Modality (type 1 in DICOM, 1..1 in FHIR) is absent: most SOP classes imply it. */
function modalityOfClasses(instances: readonly InstanceAttributes[], count: Count): string | undefined {
  const ballot: Ballot<string> = new Map();
  for (const { sopClass } of instances) vote(ballot, SOP_CLASSES.get(sopClass ?? "")?.modality, 1);
  const implied = winner(ballot)?.value;
  count("Modality", implied === undefined ? "missing" : "derived", instances.length);
  return implied;
}

/** By the wall clock: the instances of a series are acquired in one place. */
function earliest(instances: readonly InstanceAttributes[]): Started | undefined {
  let first: Started | undefined;
  for (const { acquired } of instances) {
    if (acquired === undefined) continue;
    if (first === undefined || compareStarted(acquired, first) < 0) first = acquired;
  }
  return first;
}

function compareStarted(a: Started, b: Started): number {
  return compareText(a.sortable, b.sortable) || compareText(a.dateTime, b.dateTime);
}

type Numbered = { number?: number | undefined };

/** Those without a number come last. */
export function compareNumbers(a: Numbered, b: Numbered): number {
  return (a.number ?? Number.MAX_SAFE_INTEGER) - (b.number ?? Number.MAX_SAFE_INTEGER);
}

function byNumberThenUid(a: InstanceAttributes, b: InstanceAttributes): number {
  return compareNumbers(a, b) || compareText(a.sop, b.sop);
}

function buildInstance(instance: InstanceAttributes): InstanceModel {
  const { sop, sopClass, number, title, details } = instance;
  const extension = instanceExtensions(details);
  return {
    ...(extension.length === 0 ? {} : { extension }),
    uid: sop,
    sopClass: sopClass === undefined ? absentCoding() : sopClassCoding(sopClass),
    ...(number === undefined ? {} : { number }),
    ...(title === undefined ? {} : { title }),
  };
}

function sopClassCoding(uid: string): Coding {
  const name = SOP_CLASSES.get(uid)?.name;
  return { system: "urn:ietf:rfc:3986", code: `urn:oid:${uid}`, ...(name === undefined ? {} : { display: name }) };
}
