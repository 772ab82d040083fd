import type { Dataset, PersonName } from "./dicom-json.ts";
import { isDateTag, isNameTag, isUidTag, type QueryFilter } from "./query-parse.ts";
import { firstText } from "./store-rules.ts";
import { tag } from "./tags.ts";

/** Whether a dataset matches a filter. `modalities` are those of the whole study, asked for only when needed. */
export function matches(
  dataset: Dataset,
  filter: QueryFilter,
  fuzzy: boolean,
  modalities: () => readonly string[],
): boolean {
  const wanted = filter.value;
  if (filter.tag === tag.modalitiesInStudy) return modalities().some((modality) => sameText(modality, wanted));
  if (isNameTag(filter.tag)) return nameMatches(dataset, filter, fuzzy);
  const actual = firstText(dataset, filter.tag);
  if (actual === undefined) return false;
  if (isUidTag(filter.tag)) return wanted.split(/[,\\]/).includes(actual);
  if (isDateTag(filter.tag)) return inRange(actual, wanted);
  return sameText(actual, wanted);
}

/** `a`, `a-b`, `a-`, `-b`; dates are YYYYMMDD, so text order is date order. */
function inRange(actual: string, wanted: string): boolean {
  const [from = "", to = from] = wanted.split("-");
  return (from === "" || actual >= from) && (to === "" || actual <= to);
}

function nameMatches(dataset: Dataset, filter: QueryFilter, fuzzy: boolean): boolean {
  const name = dataset[filter.tag]?.Value?.[0] as PersonName | null | undefined;
  if (!name) return false;
  const text = [name.Alphabetic, name.Ideographic, name.Phonetic]
    .map((group) => group ?? "")
    .join("=")
    .replace(/=+$/, "");
  if (!fuzzy) return bare(text) === bare(filter.value);
  const words = wordsOf(text);
  return wordsOf(filter.value).every((wanted) => words.some((word) => word.startsWith(wanted)));
}

function wordsOf(name: string): string[] {
  return bare(name)
    .split(/[\s^=,]+/)
    .filter((word) => word !== "");
}

/** Without case and accents. */
function bare(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
