/**
 * What was made of equal input, kept for the instances of one study, so that nearly all of them share it: that keeps a study of 100,000 instances small and
 * the mapping fast. Sharing changes nothing in the result: a group's values depend on its input and the options only.
 *
 * Equal input is found by the elements themselves where they are the objects of the instance before (the reader shares them), else by their text.
 */
import { type Dataset, elementNamed, jsonText, type TagNames } from "./dataset.ts";
import type { PatientValues } from "./read-patient.ts";
import type { SeriesValues } from "./read-series.ts";
import type { StudyValues } from "./read-study.ts";

/** What is known of one group of attributes. */
type Known<T> = {
  byText: Map<string, T>;
  /** The elements of the instance before, and what was made of them. */
  elements: readonly (Dataset | undefined)[];
  value: T | undefined;
};

/** Equal values of one study's instances, shared. Bound to one set of options. */
export type AttributePool = {
  patients: Known<PatientValues>;
  studies: Known<StudyValues>;
  series: Known<SeriesValues>;
  strings: Map<string, string>;
};

export function createAttributePool(): AttributePool {
  const known = <T>(): Known<T> => ({ byText: new Map(), elements: [], value: undefined });
  return { patients: known(), studies: known(), series: known(), strings: new Map() };
}

/** Input that differs in every instance is not worth remembering. */
const POOL_LIMIT = 10_000;

export function share(pool: AttributePool, value: string): string {
  return remember(pool.strings, value, () => value);
}

/**
 * What `make` makes of these elements of the dataset.
 * @param frames further input, found elsewhere in the dataset
 */
export function recall<T>(
  known: Known<T>,
  dataset: Dataset,
  names: TagNames,
  frames: readonly Dataset[],
  make: () => T,
): T {
  const bySameElements = frames.length === 0;
  if (bySameElements && known.value !== undefined && hasElements(dataset, names, known.elements)) return known.value;
  const value = remember(known.byText, inputText(dataset, names, frames), make);
  known.elements = names.map((name) => elementNamed(dataset, name));
  known.value = bySameElements ? value : undefined;
  return value;
}

function hasElements(dataset: Dataset, names: TagNames, elements: readonly (Dataset | undefined)[]): boolean {
  let at = 0;
  for (const name of names) if (elementNamed(dataset, name) !== elements[at++]) return false;
  return true;
}

function remember<T>(known: Map<string, T>, key: string | undefined, make: () => T): T {
  const found = key === undefined ? undefined : known.get(key);
  if (found !== undefined) return found;
  const made = make();
  if (key !== undefined && known.size < POOL_LIMIT) known.set(key, made);
  return made;
}

/** The elements' content as one text, unambiguous. Undefined for input too deeply nested to be written as text. */
function inputText(dataset: Dataset, names: TagNames, extra: readonly Dataset[]): string | undefined {
  let key = "";
  for (const name of names) {
    const found = elementNamed(dataset, name);
    const value = found?.["Value"];
    const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : undefined;
    if (found === undefined) key += "-";
    else if (value === undefined && found["InlineBinary"] === undefined && found["BulkDataURI"] === undefined)
      key += "e";
    else if (typeof only === "string") key += `${only.length}:${only}`;
    else if (typeof only === "number") key += `#${only};`;
    else {
      const written = jsonText(found);
      if (written === undefined) return undefined;
      key += `j${written.length}:${written}`;
    }
  }
  if (extra.length === 0) return key;
  const written = jsonText(extra);
  return written === undefined ? undefined : key + written;
}
