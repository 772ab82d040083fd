import { attributeError } from "./attribute-rules.ts";
import type { StoreFailure } from "./backend.ts";
import type { Attribute, Dataset } from "./dicom-json.ts";
import { keywordOf } from "./dictionary.ts";
import { indexedTags, tag } from "./tags.ts";

export type Verdict =
  | {
      readonly ok: true;
      readonly warnings: readonly string[];
      readonly drop: readonly string[];
      readonly multiValued: boolean;
    }
  | { readonly ok: false; readonly failure: StoreFailure };

const uidTags = [tag.study, tag.series, tag.sopInstance];

/** A UID as the service accepts it: digits and dots, up to 64, trailing spaces forgiven. */
export function isUid(text: string): boolean {
  return /^[0-9.]*[0-9]$/.test(text.trimEnd()) && text.trimEnd().length <= 64;
}

/**
 * The rules of STOW-RS (contract §4.3, §7). v1 refuses an instance for any invalid required or searchable attribute; v2
 * only for the required ones and drops every other invalid attribute from the metadata.
 */
export function judge(dataset: Dataset, api: 1 | 2, requestStudy: string | undefined): Verdict {
  const required = requiredErrors(dataset, api);
  if (required.length > 0) return refuse(required);
  if (requestStudy !== undefined && firstText(dataset, tag.study) !== requestStudy.trimEnd())
    return refuse([describe(tag.study, "value does not match the StudyInstanceUID of the request")]);
  const multiValued = indexedTags.some((item) => (dataset[item]?.Value?.length ?? 0) > 1);
  if (api === 1) {
    const errors = indexedTags.flatMap((item) => errorOf(dataset, item));
    return errors.length > 0 ? refuse(errors) : { ok: true, warnings: [], drop: [], multiValued };
  }
  const warnings: string[] = [];
  const drop = new Set<string>();
  collectInvalid(dataset, warnings, drop);
  if (!hasValue(dataset[tag.patientId])) {
    warnings.push(describe(tag.patientId, "value is empty"));
    drop.add(tag.patientId);
  }
  for (const item of [...uidTags, tag.sopClass]) drop.delete(item);
  return { ok: true, warnings, drop: [...drop], multiValued };
}

function requiredErrors(dataset: Dataset, api: 1 | 2): string[] {
  const errors: string[] = [];
  for (const item of uidTags) {
    const text = firstText(dataset, item);
    if (text === undefined) errors.push(describe(item, "required attribute is missing or empty"));
    else if (!isUid(text)) errors.push(describe(item, "value is not a valid UID"));
  }
  if (firstText(dataset, tag.sopClass) === undefined)
    errors.push(describe(tag.sopClass, "required attribute is missing or empty"));
  if (!dataset[tag.patientId]) errors.push(describe(tag.patientId, "required attribute is missing"));
  else if (api === 1 && !hasValue(dataset[tag.patientId]))
    errors.push(describe(tag.patientId, "required attribute is empty"));
  return errors;
}

/** Errors are noted per tag, and a tag met inside a sequence is dropped from the top level (contract §7). */
function collectInvalid(dataset: Dataset, warnings: string[], drop: Set<string>): void {
  for (const [item, attribute] of Object.entries(dataset)) {
    if (attribute.vr === "SQ") {
      for (const child of attribute.Value ?? []) collectInvalid(child as Dataset, warnings, drop);
      continue;
    }
    const error = attributeError(attribute);
    if (!error) continue;
    warnings.push(describe(item, error));
    drop.add(item);
  }
}

function errorOf(dataset: Dataset, item: string): string[] {
  const attribute = dataset[item];
  const error = attribute && attributeError(attribute);
  return error ? [describe(item, error)] : [];
}

function refuse(errors: readonly string[]): Verdict {
  return { ok: false, failure: { code: 43264, errors } };
}

function describe(item: string, sentence: string): string {
  return `DICOM100: (${item.slice(0, 4).toLowerCase()},${item.slice(4).toLowerCase()}) - ${keywordOf(item) ?? "attribute"}: ${sentence}.`;
}

function hasValue(attribute: Attribute | undefined): boolean {
  return (attribute?.Value ?? []).some((value) => value !== null && value !== "");
}

/** First value of a string attribute without its padding; undefined when absent or empty. */
export function firstText(dataset: Dataset, item: string): string | undefined {
  const value = dataset[item]?.Value?.[0];
  return typeof value === "string" && value.trimEnd() !== "" ? value.trimEnd() : undefined;
}
