import type { CodeableConcept, Reference } from "fhir/r4";
import { bodyPartCoding } from "./body-parts.ts";
import { type CodeContext, codeContext, readCodings } from "./codes.ts";
import { type Dataset, items, jsonText, text, texts, unsignedInt } from "./dataset.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import { isSide, joinSides, type Side, SNOMED } from "./laterality.ts";
import { MODALITIES, modalityTerm } from "./modalities.ts";
import type { PerformerModel } from "./model.ts";
import type { MappingOptions } from "./options.ts";
import { type EquipmentValues, readEquipment } from "./read-equipment.ts";
import { type PeopleContext, readInstitution } from "./read-people.ts";
import { readPerformers } from "./read-performers.ts";
import { readSpecimens } from "./read-specimens.ts";
import { readStarted, type Started, startedAt } from "./read-study.ts";
import type { Keyword } from "./tags.ts";
import { parseDate, parseTime } from "./when.ts";

/** What one instance says about its series (PS3.3 C.7.3.1). */
export type SeriesValues = {
  number: number | undefined;
  modality: string | undefined;
  description: string | undefined;
  bodySite: CodeableConcept | undefined;
  side: Side | undefined;
  started: Started | undefined;
  /** Start of the performed procedure step: the last resort. */
  stepStarted: Started | undefined;
  specimens: readonly Reference[];
  performers: readonly PerformerModel[];
  equipment: EquipmentValues;
  issues: readonly IssueKey[];
};

/** @param frameAnatomy the item of an enhanced object's frame anatomy, found by `frameAnatomy` */
export function readSeries(dataset: Dataset, frameAnatomy: readonly Dataset[], options: MappingOptions): SeriesValues {
  const { note, issues } = collectIssues();
  const people = { codes: codeContext(dataset, options, note), options };
  const institution = readInstitution(dataset, people, note);
  return {
    number: unsignedInt(dataset, "SeriesNumber", note),
    modality: readModality(dataset, options, note),
    description: readDescription(dataset, note),
    bodySite: readBodySite(dataset, frameAnatomy, people, note),
    side: readSide(dataset, frameAnatomy, note),
    started: readStarted(dataset, "SeriesDate", "SeriesTime", options, note),
    stepStarted: readStarted(
      dataset,
      "PerformedProcedureStepStartDate",
      "PerformedProcedureStepStartTime",
      options,
      note,
    ),
    specimens: readSpecimens(dataset, options, note),
    performers: readPerformers(dataset, people, institution, note),
    equipment: readEquipment(dataset, institution, options, note),
    issues: issues(),
  };
}

function readModality(dataset: Dataset, options: MappingOptions, note: Note): string | undefined {
  const modality = modalityTerm(text(dataset, "Modality", note), options.modalityCodes);
  if (modality !== undefined && !MODALITIES.has(modality)) note("Modality", "uncoded");
  return modality;
}

function readDescription(dataset: Dataset, note: Note): string | undefined {
  const own = text(dataset, "SeriesDescription", note) ?? text(dataset, "ProtocolName", note);
  if (own !== undefined) return own;
  const [code] = items(dataset, "SeriesDescriptionCodeSequence", note);
  return code && text(code, "CodeMeaning", note);
}

/**
 * The coded region first, then the frames' region, then Body Part Examined by PS3.16 Annex L. Of several coded regions the first with a SNOMED CT code
 * stands, which is how FHIR binds the element; a text without a code stays text.
 */
function readBodySite(
  dataset: Dataset,
  frameAnatomy: readonly Dataset[],
  { codes, options }: PeopleContext,
  note: Note,
): CodeableConcept | undefined {
  const regions = [dataset, ...frameAnatomy].flatMap((item) => items(item, "AnatomicRegionSequence", note));
  const coded = regions.map((region) => readRegion(region, codes, note));
  const isSnomed = ({ coding }: CodeableConcept) => coding?.[0]?.system === SNOMED;
  const best = coded.find(isSnomed) ?? coded.find(({ coding }) => coding !== undefined);
  if (best !== undefined) return best;
  const term = text(dataset, "BodyPartExamined", note);
  const byTerm = term === undefined ? undefined : bodyPartCoding(term, options.bodyPartCodes);
  if (byTerm !== undefined) return { coding: [byTerm] };
  const label = term ?? coded.find(({ text }) => text !== undefined)?.text;
  if (label === undefined) return undefined;
  note(term === undefined ? "AnatomicRegionSequence" : "BodyPartExamined", "uncoded");
  return { text: label };
}

/** SNOMED CT codes of the region before others that are equivalent, because R4 has room for one. */
function readRegion(region: Dataset, codes: CodeContext, note: Note): CodeableConcept {
  const meaning = text(region, "CodeMeaning", note);
  const named = meaning === undefined ? {} : { text: meaning };
  const coding = readCodings(region, codes, note);
  if (coding.length === 0) return named;
  const snomed = coding.filter(({ system }) => system === SNOMED);
  return { coding: [...snomed, ...coding.filter(({ system }) => system !== SNOMED)], ...named };
}

/** The series' own attribute, else the image's, else the frames'. */
function readSide(dataset: Dataset, frameAnatomy: readonly Dataset[], note: Note): Side | undefined {
  return (
    sideOf([dataset], "Laterality", note) ??
    sideOf([dataset], "ImageLaterality", note) ??
    sideOf(frameAnatomy, "FrameLaterality", note)
  );
}

function sideOf(datasets: readonly Dataset[], keyword: Keyword, note: Note): Side | undefined {
  const sides = new Set<Side>();
  for (const value of datasets.flatMap((dataset) => texts(dataset, keyword, note))) {
    const side = value.toUpperCase();
    if (isSide(side)) sides.add(side);
    else note(keyword, "unknown-code");
  }
  return joinSides(sides);
}

const MAX_FRAMES = 4096;
const SILENT: Note = () => {};

/**
 * The distinct frame anatomy items of an enhanced multi-frame object (PS3.3 C.7.6.16.2.8): shared by all frames, else those of the single frames.
 * Distinct by text, so that the result is small however many frames there are.
 */
export function frameAnatomy(dataset: Dataset): readonly Dataset[] {
  const shared = groupItems(dataset, "SharedFunctionalGroupsSequence");
  return shared.length > 0 ? shared : groupItems(dataset, "PerFrameFunctionalGroupsSequence");
}

const NO_ITEMS: readonly Dataset[] = Object.freeze([]);

function groupItems(dataset: Dataset, keyword: Keyword): readonly Dataset[] {
  const groups = items(dataset, keyword, SILENT);
  if (groups.length === 0) return NO_ITEMS;
  const distinct = new Map<string, Dataset>();
  for (const group of groups.slice(0, MAX_FRAMES)) {
    for (const anatomy of items(group, "FrameAnatomySequence", SILENT)) {
      const small = { "00082218": anatomy["00082218"], "00209072": anatomy["00209072"] };
      distinct.set(jsonText(small) ?? `${distinct.size}`, small);
    }
  }
  return [...distinct.values()];
}

/** When the instance was acquired: stands in for a series without a date. */
export function readAcquired(dataset: Dataset, options: MappingOptions, note: Note): Started | undefined {
  const dateTime = text(dataset, "AcquisitionDateTime", note);
  const parts = dateTime === undefined ? null : /^(\d{8})(\d{2,6}(?:\.\d{1,6})?)?([+-]\d{4})?$/.exec(dateTime);
  if (parts === null) {
    if (dateTime !== undefined) note("AcquisitionDateTime", "invalid-date");
    return readStarted(dataset, "AcquisitionDate", "AcquisitionTime", options, note);
  }
  const [, day = "", clock, offset] = parts;
  const date = parseDate(day, "AcquisitionDateTime", note);
  const time = clock === undefined ? undefined : parseTime(clock, "AcquisitionDateTime", note);
  const zoned = offset === undefined ? dataset : { "00080201": { vr: "SH", Value: [offset] } };
  return date && startedAt(zoned, date, time, "AcquisitionDateTime", options, note);
}
