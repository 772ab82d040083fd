import type { Identifier, Reference } from "fhir/r4";
import { type Dataset, items, text, texts } from "./dataset.ts";
import { issuerSystem, readIssuer } from "./issuer.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { displayName, readPersonName } from "./person-name.ts";
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

/** What one instance says about its study (PS3.3 C.7.2.1). */
export type StudyValues = {
  started: Started | undefined;
  accessions: readonly Identifier[];
  description: string | undefined;
  referrer: Reference | undefined;
  issues: readonly IssueKey[];
};

export const IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203";

export function readStudy(dataset: Dataset, options: MappingOptions): StudyValues {
  const { note, issues } = collectIssues();
  return {
    started: readStarted(dataset, "StudyDate", "StudyTime", options, note),
    accessions: readAccessions(dataset, options, note),
    description: text(dataset, "StudyDescription", note) ?? text(dataset, "RequestedProcedureDescription", note),
    referrer: readReferrer(dataset, options, note),
    issues: issues(),
  };
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

/** Typed ACSN (v2-0203). The system comes from the issuer, else from the configuration; without either the identifier has none. */
function readAccessions(dataset: Dataset, options: MappingOptions, note: Note): Identifier[] {
  const [item] = items(dataset, "IssuerOfAccessionNumberSequence", note);
  const issuer = readIssuer(item, note);
  const system = issuerSystem(issuer, options.issuerSystems) ?? (options.accessionSystem || undefined);
  return texts(dataset, "AccessionNumber", note).map((value) => ({
    type: { coding: [{ system: IDENTIFIER_TYPE, code: "ACSN", display: "Accession ID" }] },
    ...(system === undefined ? {} : { system }),
    value,
  }));
}

/**
 * A logical reference: nobody is looked up or made. The identifier is the code of (0008,0096) > (0040,1101); its scheme becomes a system only
 * through its UID or the configured map, because a designator is no URI (mapping rule D.5).
 */
function readReferrer(dataset: Dataset, options: MappingOptions, note: Note): Reference | undefined {
  const display = displayName(readPersonName(dataset, "ReferringPhysicianName", note));
  const identifier = readPersonIdentifier(dataset, options, note);
  if (display === undefined && identifier === undefined) return undefined;
  return {
    type: "Practitioner",
    ...(identifier === undefined ? {} : { identifier }),
    ...(display === undefined ? {} : { display }),
  };
}

function readPersonIdentifier(dataset: Dataset, options: MappingOptions, note: Note): Identifier | undefined {
  const [person] = items(dataset, "ReferringPhysicianIdentificationSequence", note);
  const [code] = person === undefined ? [] : items(person, "PersonIdentificationCodeSequence", note);
  if (code === undefined) return undefined;
  const urn = text(code, "URNCodeValue", note);
  const value = text(code, "CodeValue", note) ?? text(code, "LongCodeValue", note) ?? urn;
  if (value === undefined) return undefined;
  if (value === urn) return { system: "urn:ietf:rfc:3986", value };
  const universal = text(code, "CodingSchemeUID", note);
  const local = text(code, "CodingSchemeDesignator", note);
  const system = issuerSystem({ local, universal, universalType: "ISO" }, options.issuerSystems);
  return system === undefined ? { value } : { system, value };
}
