/**
 * Studies of nobody: de-identified or synthetic data. Their Patient is none's, and their order, visit and procedure numbers lose their system, whether they
 * are made up or were left in by mistake: with it a reader of the reference would come to a real person's order or visit.
 */
import type { Identifier, Reference } from "fhir/r4";
import { anonymousSystem } from "./identity.ts";
import type { StudyModel } from "./model.ts";
import type { Subject } from "./subject.ts";

/** @param scope id of the study's ImagingStudy */
export function isNobody(subject: Subject, scope: string): boolean {
  return subject.kind === "patient" && subject.identifier.system === anonymousSystem(scope);
}

/** The study with numbers that are shown and lead to nobody. */
export function withoutSystems(model: StudyModel): StudyModel {
  const bare = ({ system: _system, ...identifier }: Identifier): Identifier => identifier;
  const shown = (reference: Reference): Reference =>
    reference.identifier === undefined ? reference : { ...reference, identifier: bare(reference.identifier) };
  return {
    ...model,
    accessions: model.accessions.map(bare),
    basedOn: model.basedOn.map(shown),
    partOf: model.partOf.map(shown),
    encounter: model.encounter && shown(model.encounter),
  };
}
