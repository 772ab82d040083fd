/** Which attributes an instance holds, for explain.ts: where the readers look for them. */
import { type Dataset, element, isRecord, items } from "./dataset.ts";
import { type Keyword, READ_TAGS, TAGS } from "./tags.ts";

/** Sequences that hold attributes of the study or series; by themselves they are no source of anything. */
const CONTAINERS: readonly Keyword[] = [
  "RequestAttributesSequence",
  "ReferencedRequestSequence",
  "SharedFunctionalGroupsSequence",
  "PerFrameFunctionalGroupsSequence",
];
const MAX_ITEMS = 64;
const atTop = new Set(READ_TAGS);
const KEYWORDS = Object.keys(TAGS) as Keyword[];
const TOP = KEYWORDS.filter((keyword) => atTop.has(TAGS[keyword][0]) && !CONTAINERS.includes(keyword));

/** An attribute and the sequence it stands in, if any. */
export type Place = { keyword: Keyword; within: Keyword | undefined };

export function placeKey({ keyword, within }: Place): string {
  return within === undefined ? keyword : `${within}.${keyword}`;
}

/** The places where a dataset has values, each once. */
export function placesIn(dataset: unknown): Place[] {
  if (!isRecord(dataset)) return [];
  const places = new Map<string, Place>();
  const look = (inside: Dataset, within: Keyword | undefined) => {
    for (const keyword of TOP) {
      const place = { keyword, within };
      if (hasValue(inside, keyword)) places.set(placeKey(place), place);
    }
  };
  look(dataset, undefined);
  for (const container of CONTAINERS)
    for (const item of items(dataset, container, () => {}).slice(0, MAX_ITEMS)) look(item, container);
  return [...places.values()];
}

function hasValue(dataset: Dataset, keyword: Keyword): boolean {
  const found = element(dataset, keyword);
  if (found === undefined) return false;
  const { Value: value, InlineBinary: inline, BulkDataURI: bulk } = found;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return (
    inline !== undefined || bulk !== undefined || list.some((one) => one !== null && one !== undefined && one !== "")
  );
}
