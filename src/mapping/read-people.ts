/** People and institutions as logical references: nobody is looked up or made, a name alone joins nobody to anybody. */
import type { Identifier, Reference } from "fhir/r4";
import { type CodeContext, readCode } from "./codes.ts";
import { schemeMeaning } from "./coding-schemes.ts";
import { type Dataset, element, items, personNameValues, text } from "./dataset.ts";
import { issuerSystem } from "./issuer.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { displayName, readGroups } from "./person-name.ts";
import type { Keyword } from "./tags.ts";

export type PeopleContext = { codes: CodeContext; options: MappingOptions };

/** More people than any real list of operators or readers has. */
const MAX_PEOPLE = 16;

/**
 * The people of a name attribute and of the identification sequence beside it (PS3.3 §10.1). Names and ids are one list of people when both are complete
 * and equally long; else nobody knows whose the ids are, and the names stand alone. Without names the ids stand alone.
 */
export function readPeople(
  dataset: Dataset,
  nameKeyword: Keyword,
  idKeyword: Keyword,
  context: PeopleContext,
  note: Note,
): Reference[] {
  const names = personNameValues(dataset, nameKeyword, note).map((value) =>
    displayName(readGroups(value, nameKeyword, note)),
  );
  const ids = items(dataset, idKeyword, note).map((item) => readPerson(item, context, note));
  const named = names.some((name) => name !== undefined);
  const paired = names.length === ids.length && !hasGap(dataset, nameKeyword) && !hasGap(dataset, idKeyword);
  if (named && !paired && ids.some((one) => one.identifier !== undefined)) note(idKeyword, "unpaired");
  const people = named
    ? names.map((name, index) => person(name, paired ? ids[index]?.identifier : undefined))
    : ids.map(({ meaning, identifier }) => person(meaning, identifier));
  const found = distinctReferences(people.filter((one) => one !== undefined));
  if (found.length > MAX_PEOPLE) note(nameKeyword, "too-many-values");
  return found.slice(0, MAX_PEOPLE);
}

function person(display: string | undefined, identifier: Identifier | undefined): Reference | undefined {
  if (display === undefined && identifier === undefined) return undefined;
  return {
    type: "Practitioner",
    ...(identifier === undefined ? {} : { identifier }),
    ...(display === undefined ? {} : { display }),
  };
}

/** Whether a position of the list is empty, so that those behind it have moved. */
function hasGap(dataset: Dataset, keyword: Keyword): boolean {
  const value = element(dataset, keyword)?.["Value"];
  return Array.isArray(value) && value.some((one) => isEmpty(one));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value as object).length === 0;
}

type IdentifiedPerson = { identifier: Identifier | undefined; meaning: string | undefined };

/**
 * The first code of (0040,1101). Its scheme becomes a system through its UID, the known schemes, the site's map of code systems or of issuers; the
 * institution (0008,0080) is shown as the assigner.
 */
function readPerson(item: Dataset, context: PeopleContext, note: Note): IdentifiedPerson {
  const [code] = items(item, "PersonIdentificationCodeSequence", note);
  if (code === undefined) return { identifier: undefined, meaning: undefined };
  const meaning = text(code, "CodeMeaning", note);
  const urn = text(code, "URNCodeValue", note);
  const value = text(code, "CodeValue", note) ?? text(code, "LongCodeValue", note) ?? urn;
  if (value === undefined) return { identifier: undefined, meaning };
  if (value === urn) return { identifier: { system: "urn:ietf:rfc:3986", value }, meaning };
  const system = personSystem(code, context, note);
  const institution = text(item, "InstitutionName", note);
  const assigner = institution === undefined ? {} : { assigner: { display: institution } };
  return { identifier: { ...(system === undefined ? {} : { system }), value, ...assigner }, meaning };
}

function personSystem(code: Dataset, { codes, options }: PeopleContext, note: Note): string | undefined {
  const local = text(code, "CodingSchemeDesignator", note);
  const universal = text(code, "CodingSchemeUID", note) ?? codes.uids.get(local ?? "");
  const scheme = schemeMeaning(universal, local, codes.siteMap);
  if (scheme.kind === "system") return scheme.system;
  return issuerSystem({ local, universal, universalType: "ISO" }, options.issuerSystems);
}

/** The institution whose equipment made the objects (PS3.3 C.7.5.1): code where there is one, name as display. */
export function readInstitution(dataset: Dataset, { codes }: PeopleContext, note: Note): Reference | undefined {
  const [item] = items(dataset, "InstitutionCodeSequence", note);
  const concept = item && readCode(item, "InstitutionCodeSequence", codes, note);
  const coding = concept?.coding?.[0];
  const display = text(dataset, "InstitutionName", note) ?? concept?.text;
  if (coding?.code === undefined && display === undefined) return undefined;
  return {
    type: "Organization",
    ...(coding?.system === undefined || coding.code === undefined
      ? {}
      : { identifier: { system: coding.system, value: coding.code } }),
    ...(display === undefined ? {} : { display }),
  };
}

/** What makes two logical references one: the identifier, else the display. */
export function referenceKey({ type, reference, identifier, display }: Reference): string {
  if (reference !== undefined) return reference;
  return JSON.stringify(
    identifier === undefined
      ? [type, display]
      : [type, identifier.system, identifier.value, identifier.type?.coding?.[0]?.code],
  );
}

export function distinctReferences(references: readonly Reference[]): Reference[] {
  const distinct = new Map<string, Reference>();
  for (const reference of references) {
    const key = referenceKey(reference);
    if (!distinct.has(key)) distinct.set(key, reference);
  }
  return [...distinct.values()];
}
