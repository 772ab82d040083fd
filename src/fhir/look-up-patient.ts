/** Which Patient of the server is meant by (system, value): one batch, then `replaced-by` links. */
import type { StudyResources, Subject } from "../mapping/index.ts";
import { type BatchEntry, type EntryAnswer, get, readAnswer, searchAnswer } from "./bundle.ts";
import type { FhirClient } from "./client.ts";
import { isRecord, type Json, recordsOf, textOf } from "./json.ts";
import { foundSupporting, supportingEntries } from "./look-up-supporting.ts";
import type { Found, FoundPatient, FoundSupporting } from "./plan.ts";
import { isCreatedByUs } from "./plan-patient.ts";
import { exactMatches, hasIdentifier, identifierQuery, type Token, whole } from "./search.ts";

/** Longer chains of merges than this are taken for an error of the data. */
const MAX_LINKS = 10;

type Identified = Extract<Subject, { kind: "patient" }>;

/** Everything a study refers to, besides its Endpoint. */
export type FoundReferred = {
  /** Undefined when the subject is no patient. */
  patient: FoundPatient | undefined;
  supporting: FoundSupporting;
};

/**
 * The study's Patient and its supporting resources, in one batch; none when there is nothing to look up.
 * @throws StudycastError as the client, also for an answer inside the batch
 */
export async function lookUpReferred(
  client: FhirClient,
  { subject, supporting }: Pick<StudyResources, "subject" | "supporting">,
  signal: AbortSignal,
): Promise<FoundReferred> {
  const identified = subject.kind === "patient" ? subject : undefined;
  const entries = [...(identified ? patientEntries(identified) : []), ...supportingEntries(supporting)];
  if (entries.length === 0) return { patient: undefined, supporting: new Map() };
  const answers = await client.batch(entries, signal);
  const rest = identified ? answers.slice(2) : answers;
  return {
    patient: identified && (await foundPatient(client, identified, answers, signal)),
    supporting: await foundSupporting(client, supporting, rest, signal),
  };
}

/** @throws StudycastError as the client, also for an answer inside the batch */
export async function lookUpPatient(
  client: FhirClient,
  subject: Identified,
  signal: AbortSignal,
): Promise<FoundPatient> {
  return foundPatient(client, subject, await client.batch(patientEntries(subject), signal), signal);
}

function patientEntries(subject: Identified): [BatchEntry, BatchEntry] {
  return [get(`Patient/${subject.patient.id}`), get(`Patient?${identifierQuery(subject.identifier)}`)];
}

async function foundPatient(
  client: FhirClient,
  subject: Identified,
  [byId, hits]: readonly EntryAnswer[],
  signal: AbortSignal,
): Promise<FoundPatient> {
  const id = String(subject.patient.id);
  const atId = readAnswer(byId, "Patient");
  const found = new Map<string, Found>();
  for (const hit of await exactMatches(client, searchAnswer(hits), "Patient", subject.identifier, signal))
    if (!isFurtherNumber(hit, subject.identifier)) found.set(hit.id, hit);
  if (atId !== undefined) {
    const ours = whole({ ...atId, id });
    // Somebody has taken the identifier off it or given it another one: whose Patient it is now cannot be said here.
    if (!hasIdentifier(ours, subject.identifier) && found.size === 0) return { kind: "ambiguous" };
    if (hasIdentifier(ours, subject.identifier)) found.set(id, ours);
  }
  const current = new Map<string, Found>();
  for (const hit of found.values()) {
    const last = await followMerges(client, hit, signal);
    if (last === undefined) return { kind: "ambiguous" };
    current.set(last.id, last);
  }
  return oneOf([...current.values()]);
}

/**
 * A number that a study told us beside a Patient's own finds nobody: else which Patient stands for it would depend on the order in which studies come,
 * and the Patient made for that number by its own studies would be one of two.
 */
function isFurtherNumber(patient: Json, { system, value }: Token): boolean {
  const numbers = recordsOf(patient["identifier"]).filter((one) => one["system"] === system && one["value"] === value);
  return isCreatedByUs(patient) && numbers.length > 0 && numbers.every((one) => one["use"] === "secondary");
}

/** Retired duplicates (`active` false, no link) step back behind an active Patient. */
function oneOf(patients: readonly Found[]): FoundPatient {
  const active = patients.filter((patient) => patient["active"] !== false);
  const [only, ...more] = active.length > 0 ? active : patients;
  if (only === undefined) return { kind: "absent" };
  return more.length > 0 ? { kind: "ambiguous" } : { kind: "found", patient: only };
}

/** The end of the `replaced-by` chain; undefined when it goes in a circle, forks, leaves this server or is too long. */
async function followMerges(client: FhirClient, start: Found, signal: AbortSignal): Promise<Found | undefined> {
  const seen = new Set<string>();
  let patient = start;
  while (seen.size <= MAX_LINKS) {
    seen.add(patient.id);
    const targets = [...new Set(replacements(patient))];
    const [target] = targets;
    if (targets.length === 0) return patient;
    const id = /^Patient\/([A-Za-z0-9\-.]{1,64})(\/_history\/.*)?$/.exec(target ?? "")?.[1];
    if (targets.length > 1 || id === undefined || seen.has(id)) return undefined;
    const next = await client.read("Patient", id, signal);
    // The survivor of the merge is gone: the last Patient that exists still is this person.
    if (next === undefined) return patient;
    patient = whole({ ...next, id });
  }
  return undefined;
}

function replacements(patient: Json): string[] {
  return recordsOf(patient["link"])
    .filter((link) => link["type"] === "replaced-by")
    .map((link) => (isRecord(link["other"]) ? (textOf(link["other"]["reference"]) ?? "") : ""));
}
