/** Names of a patient beside (0010,0010), each with the use that tells it from that. */
import type { HumanName } from "fhir/r4";
import { type Dataset, items, personNameValues, text } from "./dataset.ts";
import type { Note } from "./issues.ts";
import { displayName, humanNames, readGroups } from "./person-name.ts";

/** A FHIR name use → the names; an attribute without a name is absent. */
export type OtherNames = { readonly [use in "usual" | "old" | "maiden"]?: readonly HumanName[] };

const MAX_NAMES = 16;

/** Other Patient Names (0010,1001) are `old`, the birth name (0010,1005) is `maiden`, Name to Use (0010,0012) is `usual`. One equal to the name itself is left out. */
export function readOtherNames(dataset: Dataset, splitGiven: boolean, note: Note): OtherNames {
  const said = new Set(spoken(dataset, "PatientName", () => {}).map(({ display }) => display));
  const written = (keyword: "OtherPatientNames" | "PatientBirthName", use: "old" | "maiden") => {
    const names = spoken(dataset, keyword, note).filter(({ display }) => !said.has(display));
    const distinct = new Map(names.map((name) => [name.display, name.groups]));
    if (distinct.size > MAX_NAMES) note(keyword, "too-many-values");
    return [...distinct.values()]
      .slice(0, MAX_NAMES)
      .flatMap((groups) => humanNames(groups, splitGiven).map((name): HumanName => ({ use, ...name })));
  };
  const toUse = items(dataset, "PersonNamesToUseSequence", note).flatMap((item) => text(item, "NameToUse", note) ?? []);
  return {
    ...present(
      "usual",
      [...new Set(toUse)].slice(0, MAX_NAMES).map((one) => ({ use: "usual", text: one })),
    ),
    ...present("old", written("OtherPatientNames", "old")),
    ...present("maiden", written("PatientBirthName", "maiden")),
  };
}

function spoken(dataset: Dataset, keyword: "PatientName" | "OtherPatientNames" | "PatientBirthName", note: Note) {
  return personNameValues(dataset, keyword, note)
    .map((value) => readGroups(value, keyword, note))
    .filter((groups) => groups.length > 0)
    .map((groups) => ({ groups, display: displayName(groups) ?? "" }));
}

function present(use: keyof OtherNames, names: readonly HumanName[]): OtherNames {
  return names.length === 0 ? {} : { [use]: names };
}
