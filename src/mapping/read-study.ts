import type { CodeableConcept, Identifier, Reference } from "fhir/r4";
import { codeContext, readCodes } from "./codes.ts";
import { type Dataset, text } from "./dataset.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import {
  readAccessions,
  readEncounter,
  readLocation,
  readOrderNumbers,
  readPerformedProcedure,
  readReasons,
  readRequests,
} from "./read-orders.ts";
import { readPeople } from "./read-people.ts";
import { type RequestedProcedure, readRequestedProcedures } from "./requested-procedures.ts";
import type { Keyword } from "./tags.ts";
import {
  type CalendarDate,
  formatDateTime,
  parseDate,
  parseOffset,
  parseTime,
  sortableMoment,
  type TimeOfDay,
} from "./when.ts";

/** FHIR dateTime, and the same moment as sortable digits of the source's wall clock. */
export type Started = { dateTime: string; sortable: string };

/** What one instance says about its study (PS3.3 C.7.2.1) and about what was ordered. */
export type StudyValues = {
  studyId: string | undefined;
  started: Started | undefined;
  accessions: readonly Identifier[];
  /** Placer and filler numbers. */
  orderNumbers: readonly Identifier[];
  encounter: Reference | undefined;
  referrer: Reference | undefined;
  interpreters: readonly Reference[];
  performedProcedure: Reference | undefined;
  procedureCodes: readonly CodeableConcept[];
  reasons: readonly CodeableConcept[];
  /** Empty unless orders are written as resources. */
  requested: readonly RequestedProcedure[];
  location: Reference | undefined;
  description: string | undefined;
  issues: readonly IssueKey[];
};

const NOTHING_REQUESTED: readonly RequestedProcedure[] = [];

export function readStudy(dataset: Dataset, options: MappingOptions): StudyValues {
  const { note, issues } = collectIssues();
  const codes = codeContext(dataset, options, note);
  const people = { codes, options };
  const requests = readRequests(dataset, note);
  const [referrer, ...others] = readPeople(
    dataset,
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    people,
    note,
  );
  if (others.length > 0) note("ReferringPhysicianName", "multiple-values");
  return {
    studyId: options.studyIdSystem ? text(dataset, "StudyID", note) : undefined,
    started: readStarted(dataset, "StudyDate", "StudyTime", options, note),
    accessions: readAccessions(dataset, requests, options, note),
    orderNumbers: readOrderNumbers(dataset, requests, options, note),
    encounter: readEncounter(dataset, options, note),
    referrer,
    interpreters: readPeople(
      dataset,
      "NameOfPhysiciansReadingStudy",
      "PhysiciansReadingStudyIdentificationSequence",
      people,
      note,
    ),
    performedProcedure: readPerformedProcedure(dataset, options, note),
    procedureCodes: readCodes(dataset, "ProcedureCodeSequence", codes, note),
    reasons: readReasons(dataset, requests, codes, note),
    requested: options.upsert?.has("ServiceRequest")
      ? readRequestedProcedures(dataset, requests, codes, note)
      : NOTHING_REQUESTED,
    location: readLocation(dataset, options, note),
    description: readDescription(dataset, requests, note),
    issues: issues(),
  };
}

/** The study's own description, else that of the procedure requested, at the top or in a request. */
function readDescription(dataset: Dataset, requests: readonly Dataset[], note: Note): string | undefined {
  const own = text(dataset, "StudyDescription", note);
  if (own !== undefined) return own;
  for (const item of [dataset, ...requests]) {
    const requested = text(item, "RequestedProcedureDescription", note);
    if (requested !== undefined) return requested;
  }
  return undefined;
}

/** Date and time attributes with the dataset's own offset, else the configured zone. Nothing without a date. */
export function readStarted(
  dataset: Dataset,
  dateKeyword: Keyword,
  timeKeyword: Keyword,
  options: MappingOptions,
  note: Note,
): Started | undefined {
  const dateText = text(dataset, dateKeyword, note);
  const date = dateText === undefined ? undefined : parseDate(dateText, dateKeyword, note);
  const timeText = text(dataset, timeKeyword, note);
  const time = timeText === undefined ? undefined : parseTime(timeText, timeKeyword, note);
  return date && startedAt(dataset, date, time, timeKeyword, options, note);
}

export function startedAt(
  dataset: Dataset,
  date: CalendarDate,
  time: TimeOfDay | undefined,
  timeKeyword: Keyword,
  options: MappingOptions,
  note: Note,
): Started {
  const offsetText = text(dataset, "TimezoneOffsetFromUTC", note);
  const offset = offsetText === undefined ? undefined : parseOffset(offsetText, "TimezoneOffsetFromUTC", note);
  return {
    dateTime: formatDateTime(date, time, { offset, timeZone: options.timeZone || undefined }, timeKeyword, note),
    sortable: sortableMoment(date, time),
  };
}
