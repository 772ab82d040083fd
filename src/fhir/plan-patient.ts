/**
 * Whether a Patient is created or updated. Patients belong to the EHR: `link` never writes one, `create` writes only those we made and nobody has edited
 * since, `sync` writes any that matches. No Patient is ever deleted, and no empty DICOM value erases anything. Pure.
 *
 * Several studies name one patient. Which of them has the say is kept for each element in one extension: the `asOf` of the study its value is from
 * (study date, time, UID); a study with a smaller one does not overwrite it. So the order in which studies are synced does not matter. `digest`, in the
 * same extension, is of the elements as we wrote them: if it does not fit any more, somebody else has edited the Patient.
 */
import { createHash } from "node:crypto";
import { AS_OF_URL, CREATED_TAG, type OwnershipTree, type Subject, TAG_SYSTEM } from "../mapping/index.ts";
import { isRecord, type Json, recordsOf, textOf } from "./json.ts";
import type { Found, FoundPatient, Write, WritePolicy } from "./plan.ts";
import { updateOf } from "./plan-merge.ts";

type Identified = Extract<Subject, { kind: "patient" }>;

/** The elements that studies may disagree about. */
const ELEMENTS = ["name", "gender", "birthDate"] as const;

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
    const named = ELEMENTS.filter((element) => wanted[element] !== undefined);
    const record = asOfExtension(wanted, new Map(named.map((element) => [element, asOf])));
    const extension = [...recordsOf(wanted["extension"]), record];
    return { resource: { ...wanted, extension, resourceType: "Patient", id: String(patient.id) }, expect: "created" };
  }
  if (policy === "create" && !isStillOurs(found.patient)) return undefined;
  return planUpdate(found.patient, wanted, asOf, ownership);
}

function planUpdate(found: Found, wanted: Json, asOf: string, ownership: OwnershipTree): Write | undefined {
  const stamps = stampsOf(found);
  const allowed: Json = { ...wanted };
  // Reached over a merge: the survivor is this person, but the retired number is not its own.
  if (!sharesIdentifier(found, wanted)) delete allowed["identifier"];
  for (const element of ELEMENTS) {
    if (wanted[element] === undefined || !mayOverwrite(stamps.get(element), asOf)) delete allowed[element];
    else stamps.set(element, asOf);
  }
  const content = updateOf(found, allowed, ownership)?.resource ?? found;
  const others = recordsOf(found["extension"]).filter((extension) => extension["url"] !== AS_OF_URL);
  // A record that is there stays, even without stamps: its digest says that the Patient is still as we made it.
  const recorded = stamps.size > 0 || partsOf(found).length > 0;
  const extension = recorded ? [...others, asOfExtension(content, stamps)] : others;
  return updateOf(
    found,
    { ...allowed, extension },
    { ...ownership, extension: { kind: "items", owners: [{ by: "url", url: AS_OF_URL }] } },
  );
}

function sharesIdentifier(found: Json, wanted: Json): boolean {
  const [key] = recordsOf(wanted["identifier"]);
  const theirs = recordsOf(found["identifier"]);
  return theirs.some((item) => item["system"] === key?.["system"] && item["value"] === key?.["value"]);
}

/** A later study, or the same study corrected: its own date may have become an earlier one. */
function mayOverwrite(stamp: string | undefined, asOf: string): boolean {
  return stamp === undefined || stamp <= asOf || studyOf(stamp) === studyOf(asOf);
}

function studyOf(asOf: string): string {
  return asOf.slice(asOf.lastIndexOf(" ") + 1);
}

/** Made by us, and name, gender and birth date are as we wrote them. */
function isStillOurs(found: Found): boolean {
  const written = textOf(partsOf(found).find((part) => part["url"] === "digest")?.["valueString"]);
  return isCreatedByUs(found) && written !== undefined && written === digestOf(found);
}

export function isCreatedByUs(resource: Json): boolean {
  const tags = isRecord(resource["meta"]) ? recordsOf(resource["meta"]["tag"]) : [];
  return tags.some((tag) => tag["system"] === TAG_SYSTEM && tag["code"] === CREATED_TAG);
}

function partsOf(patient: Json): Json[] {
  return recordsOf(recordsOf(patient["extension"]).find((extension) => extension["url"] === AS_OF_URL)?.["extension"]);
}

/** Element → asOf of the study its value is from. */
function stampsOf(patient: Json): Map<string, string> {
  const stamps = new Map<string, string>();
  for (const part of partsOf(patient)) {
    const element = ELEMENTS.find((name) => name === part["url"]);
    const stamp = textOf(part["valueString"]);
    if (element !== undefined && stamp !== undefined) stamps.set(element, stamp);
  }
  return stamps;
}

function asOfExtension(patient: Json, stamps: ReadonlyMap<string, string>): Json {
  const parts = ELEMENTS.flatMap((element) => {
    const stamp = stamps.get(element);
    return stamp === undefined ? [] : [{ url: element, valueString: stamp }];
  });
  return { url: AS_OF_URL, extension: [{ url: "digest", valueString: digestOf(patient) }, ...parts] };
}

function digestOf(patient: Json): string {
  const text = JSON.stringify(ELEMENTS.map((element) => canonical(patient[element]) ?? null));
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The same value with its members in one order, whatever order a server keeps. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, canonical(value[name])]));
}
