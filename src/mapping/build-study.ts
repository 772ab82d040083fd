/**
 * Builds a study's resources from the set of its instance attributes. A pure function of the set: instances are grouped and sorted by value, and
 * values are elected by value (rule A.7), so the same set gives the same bytes in whatever order it comes.
 */
import type { Identifier } from "fhir/r4";
import { parseStudyId, type StudyId } from "../study.ts";
import { studyDevices } from "./build-devices.ts";
import { studyLists } from "./build-lists.ts";
import { buildSeries, type Count, compareNumbers, countBy } from "./build-series.ts";
import { endpointKinds } from "./endpoint.ts";
import {
  createdMeta,
  endpointId,
  ownIdentifier,
  STUDY_ID_TYPE,
  studyResourceId,
  studyUidIdentifier,
} from "./identity.ts";
import type { InstanceAttributes } from "./instance-attributes.ts";
import { type Issue, type IssueKey, listIssues } from "./issues.ts";
import type { SeriesModel, StudyModel } from "./model.ts";
import { isNobody, withoutSystems } from "./nobody.ts";
import { type BuildObserver, type SeriesMembers, tell } from "./observer.ts";
import type { MappingOptions } from "./options.ts";
import { withProfiles } from "./profiles.ts";
import type { StudyValues } from "./read-study.ts";
import { regionExtensions } from "./regions.ts";
import { withoutRejected } from "./rejection.ts";
import type { FhirVersion } from "./rows/row.ts";
import { type Ownership, ownershipOf } from "./rows.ts";
import type { StudyOfInstances, SupportingResource } from "./shapes.ts";
import { buildSubject, type Subject } from "./subject.ts";
import { type SupportingType, supportingKeys, withSupporting } from "./supporting.ts";
import type { Keyword } from "./tags.ts";
import { compareText } from "./text.ts";
import { type Ballot, vote, winner } from "./vote.ts";
import { studyR4 } from "./write-r4.ts";
import { patientR5, studyR5 } from "./write-r5.ts";
import { writeSupporting } from "./write-supporting.ts";

export type StudyResources<V extends FhirVersion = FhirVersion> = {
  study: StudyId;
  /** Without `subject`. Its endpoints are `Endpoint/<endpointId>`, one for each of endpointKinds. */
  imagingStudy: StudyOfInstances<V>;
  subject: Subject;
  /** What the study refers to besides; those references are `Type/<id>`. Ordered by id. */
  supporting: SupportingResource<V>[];
  /** What of the resources is ours. */
  ownership: Ownership;
  /** Values left out or doubtful, counted by attribute and kind. */
  issues: Issue[];
};

/**
 * @param instances at least one; a (series, SOP Instance UID) that occurs twice counts once
 * @param observer is told what was decided and how; the result is the same without
 */
export function buildStudy(
  study: StudyId,
  instances: Iterable<InstanceAttributes>,
  options: MappingOptions & { fhirVersion?: "R4" },
): StudyResources<"R4">;
export function buildStudy(
  study: StudyId,
  instances: Iterable<InstanceAttributes>,
  options: MappingOptions,
  observer?: BuildObserver,
): StudyResources;
export function buildStudy(
  study: StudyId,
  instances: Iterable<InstanceAttributes>,
  options: MappingOptions,
  observer?: BuildObserver,
): StudyResources {
  const { model, subject: found, devices, requested, asOf, issues } = studyModel(study, instances, options, observer);
  const isR5 = options.fhirVersion === "R5";
  const written = isR5 ? studyR5(model) : studyR4(model);
  const subject = isR5 && found.kind === "patient" ? { ...found, patient: patientR5(found.patient) } : found;
  const ownership = ownershipOf(options);
  const upsert = upsertedFor(found, model.id, options.upsert);
  if (upsert.size === 0) return { study, imagingStudy: written, subject, supporting: [], ownership, issues };
  const { resource: imagingStudy, models } = withSupporting(written, devices, upsert, requested);
  const supporting = models.map((one) => ({
    resource: writeSupporting(one, options.fhirVersion),
    keys: supportingKeys(one),
    asOf,
  }));
  return { study, imagingStudy, subject, supporting, ownership, issues };
}

/** An order is somebody's: de-identified data would lead to a real person by it, or an order would be of nobody. */
function upsertedFor(
  subject: Subject,
  scope: string,
  upsert: ReadonlySet<SupportingType> = new Set(),
): ReadonlySet<SupportingType> {
  return subject.kind === "patient" && !isNobody(subject, scope)
    ? upsert
    : new Set([...upsert].filter((type) => type !== "ServiceRequest"));
}

/** Everything but the shape. */
function studyModel(
  study: StudyId,
  instances: Iterable<InstanceAttributes>,
  options: MappingOptions,
  observer: BuildObserver | undefined,
) {
  const issues = new Map<IssueKey, number>();
  const countIn =
    (series: string | undefined): Count =>
    (keyword, code, number) => {
      const key: IssueKey = `${keyword} ${code}`;
      issues.set(key, (issues.get(key) ?? 0) + number);
      observer?.counted(series, keyword, code, number);
    };
  const count = countIn(undefined);
  const { kept, rejected } = withoutRejected([...instances]);
  if (rejected > 0) count("CurrentRequestedProcedureEvidenceSequence", "rejection-note", rejected);
  const bySeries = groupBySeries(kept, count);
  const groups = [...bySeries].map(([uid, members]) => ({ uid, members: [...members.values()] }));
  observer?.grouped(groups);
  const all = groups.flatMap((group) => group.members);
  countReadingIssues(all, issues);

  const listImages = all.length <= options.instanceListLimit;
  const series = groups
    .map(({ uid, members }) => buildSeries(uid, members, listImages, countIn(uid), observer))
    .sort(bySeriesNumber);
  const elect = <T>(pick: (values: StudyValues) => T | undefined, keyword: Keyword) =>
    electForStudy(groups, pick, (ballot, losers) => {
      tell(observer, "study", undefined, keyword, ballot);
      if (losers > 0) count(keyword, "conflict", losers);
    });

  const started = elect((values) => values.started, "StudyDate");
  const { partition, studyInstanceUid } = parseStudyId(study);
  const asOf = `${started?.sortable ?? "00000000000000.000000"} ${studyInstanceUid}`;
  const { subject, others } = buildSubject(
    countBy(all, (instance) => instance.patient),
    asOf,
    studyResourceId(options.sourceId, study),
    observer,
  );
  if (others > 0) count("PatientID", "several-patients", others);
  const lists = studyLists(
    all.map((instance) => instance.study),
    count,
  );
  const description = elect((values) => values.description, "StudyDescription");
  const referrer = elect((values) => values.referrer, "ReferringPhysicianName");
  const encounter = elect((values) => values.encounter, "AdmissionID");
  const location = elect((values) => values.location, "InstitutionalDepartmentName");
  const modalities = new Set(series.map((one) => one.modality).filter((code) => code !== undefined));

  const model: StudyModel = {
    id: studyResourceId(options.sourceId, study),
    meta: createdMeta(),
    extension: options.include?.has("anatomical-region") ? regionExtensions(series.map((one) => one.bodySite)) : [],
    identifier: [
      studyUidIdentifier(studyInstanceUid),
      ownIdentifier(options.sourceId, study),
      ...studyIdIdentifiers(lists.studyIds, options),
    ],
    accessions: lists.accessions,
    status: all.every((instance) => instance.offline) ? "registered" : "available",
    modalities: [...modalities].sort(),
    encounter,
    started: started?.dateTime,
    basedOn: lists.basedOn,
    partOf: lists.partOf,
    referrer,
    interpreter: lists.interpreter,
    endpoint: endpointKinds(options).map((kind) => ({
      reference: `Endpoint/${endpointId(options.sourceId, partition, kind)}`,
    })),
    numberOfSeries: series.length,
    numberOfInstances: all.length,
    procedure: lists.procedure,
    location,
    reason: lists.reason,
    note: description !== undefined && options.include?.has("study-note") ? [description] : [],
    description,
    series,
  };
  const shown = isNobody(subject, model.id) ? withoutSystems(model) : model;
  const claiming = withProfiles(shown, subject, options, (keyword) => count(keyword, "profile-not-claimed", 1));
  return {
    model: claiming,
    subject,
    devices: studyDevices(all),
    requested: lists.requested,
    asOf,
    issues: listIssues(issues),
  };
}

/** Series UID → SOP Instance UID → instance. Of two that claim one UID in one series, the smaller by value stays. */
function groupBySeries(
  instances: Iterable<InstanceAttributes>,
  count: Count,
): Map<string, Map<string, InstanceAttributes>> {
  const bySeries = new Map<string, Map<string, InstanceAttributes>>();
  const seriesOf = new Map<string, string>();
  for (const instance of instances) {
    const members = bySeries.get(instance.series) ?? new Map<string, InstanceAttributes>();
    bySeries.set(instance.series, members);
    const twin = members.get(instance.sop);
    if (twin === undefined) members.set(instance.sop, instance);
    else {
      count("SOPInstanceUID", "duplicate-instance", 1);
      if (compareText(JSON.stringify(instance), JSON.stringify(twin)) < 0) members.set(instance.sop, instance);
    }
    const elsewhere = seriesOf.get(instance.sop);
    if (elsewhere === undefined) seriesOf.set(instance.sop, instance.series);
    else if (elsewhere !== instance.series && twin === undefined) count("SOPInstanceUID", "in-several-series", 1);
  }
  return new Map([...bySeries].sort(([a], [b]) => compareText(a, b)));
}

/** Adds what reading the instances has noted. */
export function countReadingIssues(all: readonly InstanceAttributes[], issues: Map<IssueKey, number>): void {
  const groups = new Map<readonly IssueKey[], number>();
  const add = (keys: readonly IssueKey[]) => {
    if (keys.length > 0) groups.set(keys, (groups.get(keys) ?? 0) + 1);
  };
  for (const instance of all) {
    for (const part of [instance, instance.patient, instance.study, instance.seriesValues]) add(part.issues);
  }
  for (const [keys, number] of groups) for (const key of keys) issues.set(key, (issues.get(key) ?? 0) + number);
}

/** Each series has one vote, its own most frequent value; a tie goes to the value that more instances hold. */
function electForStudy<T>(
  groups: readonly SeriesMembers[],
  pick: (values: StudyValues) => T | undefined,
  decided: (ballot: Ballot<T>, losers: number) => void,
): T | undefined {
  const study: Ballot<T> = new Map();
  for (const { members } of groups) {
    const series: Ballot<T> = new Map();
    for (const [values, number] of countBy(members, (instance) => instance.study)) vote(series, pick(values), number);
    const elected = winner(series);
    vote(study, elected?.value, 0, 1);
    for (const candidate of series.values()) vote(study, candidate.value, candidate.instances);
  }
  const elected = winner(study);
  decided(study, elected?.losers ?? 0);
  return elected?.value;
}

/** Study IDs are unique in a department at most, so they need its system; a type of our own tells them from others' identifiers. */
function studyIdIdentifiers(values: readonly string[], { studyIdSystem }: MappingOptions): Identifier[] {
  if (!studyIdSystem) return [];
  return values.map((value) => ({ type: { coding: [STUDY_ID_TYPE] }, system: studyIdSystem, value }));
}

function bySeriesNumber(a: SeriesModel, b: SeriesModel): number {
  return compareNumbers(a, b) || compareText(a.uid, b.uid);
}
