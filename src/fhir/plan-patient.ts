/**
 * Whether a Patient is created or updated. Patients belong to the EHR: `link` never writes one, `create` writes only those we made and nobody has edited
 * since, `sync` writes any that matches. No Patient is ever deleted, and no empty DICOM value erases anything. Pure.
 *
 * Several studies name one patient. Which of them has the say is kept for each facet (plan-patient-facets.ts) in one extension: the `asOf` of the study its value is
 * from (study date, time, UID); a study with a smaller one does not overwrite it. So the order in which studies are synced does not matter. `digest`, in
 * the same extension, is of the facets as we wrote them: if it does not fit any more, somebody else has edited the Patient.
 */
import { createHash } from "node:crypto";
import {
  AS_OF_URL,
  BIRTH_TIME_URL,
  CREATED_TAG,
  type ItemOwner,
  type Owned,
  type OwnershipTree,
  type Subject,
  TAG_SYSTEM,
} from "../mapping/index.ts";
import { isRecord, type Json, recordsOf, textOf } from "./json.ts";
import type { Found, FoundPatient, Write, WritePolicy } from "./plan.ts";
import { updateOf } from "./plan-merge.ts";
import {
  BIRTH_TIME,
  birthTimeOf,
  DETAIL_FACETS,
  digested,
  EXTENSION_FACETS,
  FACET_IDS,
  type Facet,
  facetOf,
  facetsIn,
  isTimeOn,
  NAME_FACETS,
  PLAIN_FACETS,
} from "./plan-patient-facets.ts";

type Identified = Extract<Subject, { kind: "patient" }>;
/** Facet → asOf of the study its value is from. */
type Stamps = Map<string, string>;

/** The write a Patient needs; undefined for none. */
export function planPatient(
  found: Exclude<FoundPatient, { kind: "ambiguous" }>,
  { patient, asOf }: Identified,
  policy: WritePolicy["patientPolicy"],
  ownership: OwnershipTree,
): Write | undefined {
  if (policy === "link") return undefined;
  const wanted: Json = { ...patient };
  if (found.kind === "absent") {
    const record = asOfExtension(wanted, new Map(facetsIn(wanted).map((id) => [id, asOf])));
    const extension = [...recordsOf(wanted["extension"]), record];
    return { resource: { ...wanted, extension, resourceType: "Patient", id: String(patient.id) }, expect: "created" };
  }
  if (policy === "create" && !isStillOurs(found.patient)) return undefined;
  return planUpdate(found.patient, wanted, asOf, ownership);
}

function planUpdate(found: Found, wanted: Json, asOf: string, ownership: OwnershipTree): Write | undefined {
  const before = stampsOf(found);
  const stamps: Stamps = new Map(before);
  const allowed: Json = { ...wanted };
  // Others know their Patient's numbers: one that we add would find this Patient for studies that have one of their own. Reached over a merge: the survivor
  // is this person, but the retired number is not its own.
  if (!isCreatedByUs(found) || !sharesIdentifier(found, wanted)) delete allowed["identifier"];
  const say = (facet: Facet) => {
    const value = facetOf(wanted, facet);
    if (value === undefined || !mayOverwrite(stamps.get(facet.id), asOf)) return undefined;
    stamps.set(facet.id, asOf);
    return value;
  };
  for (const facets of [NAME_FACETS, EXTENSION_FACETS])
    allowed[facets[0]?.element ?? ""] = facets.flatMap((facet) => recordsOf(say(facet) ?? facetOf(found, facet)));
  // What a site's own rules add is no facet of any study.
  const added = recordsOf(wanted["extension"]).filter((item) => !EXTENSION_FACETS.some(({ owns }) => owns?.(item)));
  allowed["extension"] = [...recordsOf(allowed["extension"]), ...added];
  for (const facet of PLAIN_FACETS) allowed[facet.element] = say(facet);
  for (const facet of DETAIL_FACETS) allowed[facet.element] = isTheirs(found, facet, before) ? undefined : say(facet);
  allowed["_birthDate"] = birthTime(found, wanted, allowed["birthDate"] ?? found["birthDate"], stamps, asOf);

  const timed = stamps.has(BIRTH_TIME) || before.has(BIRTH_TIME);
  const tree = treeFor(found, before, timed, ownership);
  const content = updateOf(found, allowed, tree)?.resource ?? found;
  // A record that is there stays, even without stamps: its digest says that the Patient is still as we made it.
  const recorded = stamps.size > 0 || partsOf(found).length > 0;
  const extension = [...recordsOf(allowed["extension"]), ...(recorded ? [asOfExtension(content, stamps)] : [])];
  return updateOf(found, { ...allowed, extension }, tree);
}

/** Somebody else has said it: there is a value of which no study is recorded. A dateTime of death says more than our boolean. */
function isTheirs(found: Json, { id, element }: Facet, stamps: Stamps): boolean {
  if (element === "deceasedBoolean" && found["deceasedDateTime"] !== undefined) return true;
  return found[element] !== undefined && !stamps.has(id);
}

/** The `_birthDate` wanted: the time of the latest study that tells one, as long as it is of the birth date that stands. */
function birthTime(found: Found, wanted: Json, date: unknown, stamps: Stamps, asOf: string): Json {
  const theirs = birthTimeOf(found);
  const ours = birthTimeOf(wanted);
  if (ours !== undefined && isTimeOn(ours, date) && mayOverwrite(stamps.get(BIRTH_TIME), asOf)) {
    stamps.set(BIRTH_TIME, asOf);
    return { extension: [ours] };
  }
  if (isTimeOn(theirs, date) || !stamps.has(BIRTH_TIME)) return { extension: theirs === undefined ? [] : [theirs] };
  stamps.delete(BIRTH_TIME);
  return { extension: [] };
}

const BIRTH_TIME_OWNED: Owned = {
  kind: "members",
  members: { extension: { kind: "items", owners: [{ by: "url", url: BIRTH_TIME_URL }] } },
};

/** Lists of which nothing can be told apart by itself are replaced as long as all of them is what we wrote. */
function treeFor(found: Found, stamps: Stamps, timed: boolean, ownership: OwnershipTree): OwnershipTree {
  const whole: Owned = { kind: "whole", keepWhenAbsent: true };
  const stillOurs = isStillOurs(found);
  const replaced = stillOurs ? DETAIL_FACETS.filter(({ id }) => stamps.has(id)).map(({ element }) => element) : [];
  const extensions = ownership["extension"];
  const known: readonly ItemOwner[] = extensions?.kind === "items" ? extensions.owners : [];
  const { _birthDate, ...elements } = ownership;
  return {
    ...elements,
    ...(stillOurs ? { name: whole } : {}),
    ...Object.fromEntries(replaced.map((element) => [element, whole])),
    ...(timed ? { _birthDate: BIRTH_TIME_OWNED } : {}),
    extension: { kind: "items", owners: [...known, { by: "url", url: AS_OF_URL }] },
  };
}

function sharesIdentifier(found: Json, wanted: Json): boolean {
  const [key] = recordsOf(wanted["identifier"]);
  const theirs = recordsOf(found["identifier"]);
  return theirs.some((item) => item["system"] === key?.["system"] && item["value"] === key?.["value"]);
}

/** A later study, or the same study corrected: its own date may have become an earlier one. */
export function mayOverwrite(stamp: string | undefined, asOf: string): boolean {
  return stamp === undefined || stamp <= asOf || studyOf(stamp) === studyOf(asOf);
}

function studyOf(asOf: string): string {
  return asOf.slice(asOf.lastIndexOf(" ") + 1);
}

/** Made by us, and all that we wrote is as we wrote it. */
function isStillOurs(found: Found): boolean {
  const written = textOf(partsOf(found).find((part) => part["url"] === "digest")?.["valueString"]);
  return isCreatedByUs(found) && written !== undefined && written === digestOf(found, stampsOf(found));
}

export function isCreatedByUs(resource: Json): boolean {
  const tags = isRecord(resource["meta"]) ? recordsOf(resource["meta"]["tag"]) : [];
  return tags.some((tag) => tag["system"] === TAG_SYSTEM && tag["code"] === CREATED_TAG);
}

function partsOf(patient: Json): Json[] {
  return recordsOf(recordsOf(patient["extension"]).find((extension) => extension["url"] === AS_OF_URL)?.["extension"]);
}

function stampsOf(patient: Json): Stamps {
  const stamps: Stamps = new Map();
  for (const part of partsOf(patient)) {
    const id = FACET_IDS.find((one) => one === part["url"]);
    const stamp = textOf(part["valueString"]);
    if (id !== undefined && stamp !== undefined) stamps.set(id, stamp);
  }
  return stamps;
}

function asOfExtension(patient: Json, stamps: Stamps): Json {
  const parts = FACET_IDS.flatMap((url) => {
    const valueString = stamps.get(url);
    return valueString === undefined ? [] : [{ url, valueString }];
  });
  return { url: AS_OF_URL, extension: [{ url: "digest", valueString: digestOf(patient, stamps) }, ...parts] };
}

function digestOf(patient: Json, stamps: Stamps): string {
  const text = JSON.stringify(digested(patient, new Set(stamps.keys())).map((value) => canonical(value) ?? null));
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The same value with its members in one order, whatever order a server keeps. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, canonical(value[name])]));
}
