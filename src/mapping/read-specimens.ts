import type { Identifier, Reference } from "fhir/r4";
import { type Dataset, items, text, uid } from "./dataset.ts";
import { STUDY_UID_SYSTEM } from "./identity.ts";
import { issuerSystem, readIssuer } from "./issuer.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { distinctReferences } from "./read-people.ts";
import type { Keyword } from "./tags.ts";

const MAX_SPECIMENS = 16;

/**
 * What was imaged (PS3.3 C.7.6.22), as logical references: by specimen identifier when its issuer is known, else by Specimen UID, which is unique by
 * itself, else by the bare identifier. A container without described specimens stands for what is in it.
 */
export function readSpecimens(dataset: Dataset, options: MappingOptions, note: Note): Reference[] {
  const described = items(dataset, "SpecimenDescriptionSequence", note);
  const found = described.flatMap((item) => {
    const named = issuedBy(item, "SpecimenIdentifier", "IssuerOfTheSpecimenIdentifierSequence", options, note);
    const byUid = uid(item, "SpecimenUID", note);
    const identifier =
      named?.system !== undefined || byUid === undefined
        ? named
        : { system: STUDY_UID_SYSTEM, value: `urn:oid:${byUid}` };
    const display = text(item, "SpecimenShortDescription", note) ?? named?.value;
    return identifier === undefined ? [] : [specimen(identifier, display)];
  });
  const container =
    found.length > 0
      ? undefined
      : issuedBy(dataset, "ContainerIdentifier", "IssuerOfTheContainerIdentifierSequence", options, note);
  const all = distinctReferences(container === undefined ? found : [specimen(container, container.value)]);
  if (all.length > MAX_SPECIMENS) note("SpecimenDescriptionSequence", "too-many-values");
  return all.slice(0, MAX_SPECIMENS);
}

function specimen(identifier: Identifier, display: string | undefined): Reference {
  return { type: "Specimen", identifier, ...(display === undefined ? {} : { display }) };
}

function issuedBy(
  item: Dataset,
  keyword: Keyword,
  issuerKeyword: Keyword,
  options: MappingOptions,
  note: Note,
): Identifier | undefined {
  const value = text(item, keyword, note);
  if (value === undefined) return undefined;
  const [issuer] = items(item, issuerKeyword, note);
  const system = issuerSystem(readIssuer(issuer, note), options.issuerSystems);
  return system === undefined ? { value } : { system, value };
}
