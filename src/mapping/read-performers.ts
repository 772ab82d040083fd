/** Who and what made a series, by the function codes of HL7 v3 ParticipationType (FHIR's value set for series.performer.function, and HL7 Europe's). */
import type { CodeableConcept, Reference } from "fhir/r4";
import type { Dataset } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { PerformerModel } from "./model.ts";
import { type PeopleContext, readPeople, referenceKey } from "./read-people.ts";

const FUNCTIONS = { PRF: "performer", DEV: "device", LOC: "location" } as const;

export function performerFunction(code: keyof typeof FUNCTIONS): CodeableConcept {
  return {
    coding: [{ system: "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", code, display: FUNCTIONS[code] }],
  };
}

/** Performing physicians, operators (PS3.3 C.7.3.1) and the institution; a person who is both counts once. */
export function readPerformers(
  dataset: Dataset,
  people: PeopleContext,
  institution: Reference | undefined,
  note: Note,
): PerformerModel[] {
  const persons = [
    ...readPeople(dataset, "PerformingPhysicianName", "PerformingPhysicianIdentificationSequence", people, note),
    ...readPeople(dataset, "OperatorsName", "OperatorIdentificationSequence", people, note),
  ].map((actor) => ({ function: performerFunction("PRF"), actor }));
  const place = institution === undefined ? [] : [{ function: performerFunction("LOC"), actor: institution }];
  return distinctPerformers([...persons, ...place]);
}

export function performerKey(performer: PerformerModel): string {
  return `${performer.function?.coding?.[0]?.code} ${referenceKey(performer.actor)}`;
}

export function distinctPerformers(performers: readonly PerformerModel[]): PerformerModel[] {
  const distinct = new Map<string, PerformerModel>();
  for (const performer of performers) {
    const key = performerKey(performer);
    if (!distinct.has(key)) distinct.set(key, performer);
  }
  return [...distinct.values()];
}
