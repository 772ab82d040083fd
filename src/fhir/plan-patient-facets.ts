/** The parts of a Patient that studies may disagree about; each has the say of one study, whichever others have. Pure. */
import { BIRTH_TIME_URL, PATIENT_EXTENSIONS } from "../mapping/index.ts";
import { isRecord, type Json, recordsOf, textOf } from "./json.ts";

export type Facet = {
  /** Its name in the record of which study it is from. */
  id: string;
  element: string;
  /** Of a list that holds several facets: the items of this one. Absent: the element is the facet. */
  owns?: (item: Json) => boolean;
};

const OTHER_USES = ["usual", "maiden", "old"] as const;

/** Those of the first version, which every digest is of. */
const FIRST = ["name", "gender", "birthDate"] as const;

export const NAME_FACETS: readonly Facet[] = [
  { id: "name", element: "name", owns: (item) => !OTHER_USES.some((use) => use === item["use"]) },
  ...OTHER_USES.map((use): Facet => ({ id: `name-${use}`, element: "name", owns: (item) => item["use"] === use })),
];

export const EXTENSION_FACETS: readonly Facet[] = PATIENT_EXTENSIONS.map((url) => ({
  id: url.slice(url.lastIndexOf("/") + 1),
  element: "extension",
  owns: (item) => item["url"] === url,
}));

/** Elements as a whole. */
export const PLAIN_FACETS: readonly Facet[] = ["gender", "birthDate"].map((element) => ({ id: element, element }));

/** Elements that the EHR knows better: written where it says nothing, and corrected only while they are as we wrote them. */
export const DETAIL_FACETS: readonly Facet[] = [
  "deceasedBoolean",
  "address",
  "telecom",
  "communication",
  "contact",
].map((element) => ({ id: element, element }));

/** The time of birth, inside the birth date. */
export const BIRTH_TIME = "birthTime";

const ALL = [...NAME_FACETS, ...PLAIN_FACETS, ...EXTENSION_FACETS, ...DETAIL_FACETS];
/** In the order in which they are recorded. */
export const FACET_IDS: readonly string[] = [...new Set([...FIRST, ...ALL.map(({ id }) => id), BIRTH_TIME])];

/** What a Patient holds of a facet; undefined for nothing. */
export function facetOf(patient: Json, { element, owns }: Facet): unknown {
  if (owns === undefined) return patient[element];
  const items = recordsOf(patient[element]).filter(owns);
  return items.length > 0 ? items : undefined;
}

/** The extension with the time of birth. */
export function birthTimeOf(patient: Json): Json | undefined {
  const birthDate = patient["_birthDate"];
  const extensions = isRecord(birthDate) ? recordsOf(birthDate["extension"]) : [];
  return extensions.find((extension) => extension["url"] === BIRTH_TIME_URL);
}

/** A time of birth is true of its own date only. */
export function isTimeOn(time: Json | undefined, date: unknown): boolean {
  const dateTime = textOf(time?.["valueDateTime"]);
  return dateTime !== undefined && typeof date === "string" && dateTime.slice(0, 10) === date;
}

/** The ids of the facets a Patient holds. */
export function facetsIn(patient: Json): string[] {
  const held = ALL.filter((facet) => facetOf(patient, facet) !== undefined).map(({ id }) => id);
  return birthTimeOf(patient) === undefined ? held : [...held, BIRTH_TIME];
}

/**
 * What the digest is of: name, gender and birth date, and what else a study is recorded for. A Patient for whom nothing else is recorded has the digest
 * of the first version.
 */
export function digested(patient: Json, recorded: ReadonlySet<string>): unknown[] {
  const more = [...EXTENSION_FACETS, ...DETAIL_FACETS]
    .filter(({ id }) => recorded.has(id))
    .map((facet) => [facet.id, facetOf(patient, facet)]);
  const time = recorded.has(BIRTH_TIME) ? [[BIRTH_TIME, birthTimeOf(patient)]] : [];
  return [...FIRST.map((element) => patient[element]), ...more, ...time];
}
