import type { Extension, HumanName, Identifier, Patient } from "fhir/r4";
import { createdMeta, patientId } from "./identity.ts";
import { BIRTH_TIME_URL, PATIENT_EXTENSIONS, type PatientExtensions } from "./patient-extensions.ts";
import { patientIdType } from "./patient-identifiers.ts";
import type { OtherNames } from "./patient-names.ts";
import type { PatientValues } from "./read-patient.ts";
import { mostFrequent } from "./vote.ts";

/** The Patient as the instances of one identity know it: each value the most frequent one, absent values do not count. */
export function buildPatient(
  { system, value }: { system: string; value: string },
  own: readonly (readonly [PatientValues, number])[],
): Patient {
  const elect = <T>(pick: (values: PatientValues) => T | undefined) => mostFrequent(own, pick);
  const anonymity = elect((values) => values.anonymity);
  const { tag = [], ...meta } = createdMeta();
  const names = electNames(elect);
  const gender = elect((values) => values.gender);
  const birthDate = elect((values) => values.birthDate);
  const birthTime = elect((values) => (values.birthDate === birthDate ? values.birthTime : undefined));
  const extension = electExtensions(elect);
  const deceasedBoolean = elect((values) => values.details.deceasedBoolean);
  const address = elect((values) => values.details.address);
  const telecom = elect((values) => values.details.telecom);
  const communication = elect((values) => values.details.communication);
  const contact = elect((values) => values.details.contact);
  return {
    resourceType: "Patient",
    id: patientId(system, value),
    meta:
      anonymity === undefined
        ? { ...meta, tag }
        : { ...meta, security: [...anonymity.security], tag: [...tag, ...anonymity.tag] },
    ...(extension.length === 0 ? {} : { extension }),
    identifier: electIdentifiers(system, value, elect),
    ...(names.length === 0 ? {} : { name: names }),
    ...(telecom === undefined ? {} : { telecom }),
    ...(gender === undefined ? {} : { gender }),
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(birthTime === undefined
      ? {}
      : { _birthDate: { extension: [{ url: BIRTH_TIME_URL, valueDateTime: birthTime }] } }),
    ...(deceasedBoolean === undefined ? {} : { deceasedBoolean }),
    ...(address === undefined ? {} : { address }),
    ...(contact === undefined ? {} : { contact }),
    ...(communication === undefined ? {} : { communication }),
  };
}

type Elect = <T>(pick: (values: PatientValues) => T | undefined) => T | undefined;

/** The one that finds the Patient first; further ones are marked `secondary`. */
function electIdentifiers(system: string, value: string, elect: Elect): Identifier[] {
  const identity = elect(({ identity }) => (identity.kind === "known" ? identity : undefined));
  const type = patientIdType(identity?.type ?? "ANON");
  const assigner = identity?.assigner === undefined ? {} : { assigner: { display: identity.assigner } };
  const same = (other: string): Identifier => ({ use: "secondary", type, system, value: other, ...assigner });
  const further = [
    ...(identity?.others ?? []).map(same),
    ...(elect(({ otherIdentifiers }) => filled(otherIdentifiers)) ?? []),
  ];
  const known = new Set([JSON.stringify([system, value])]);
  const distinct = further.filter((one) => {
    const key = JSON.stringify([one.system, one.value]);
    return !known.has(key) && known.add(key);
  });
  return [{ type, system, value, ...assigner }, ...distinct];
}

function electNames(elect: Elect): HumanName[] {
  const other = (use: keyof OtherNames) => elect(({ otherNames }) => otherNames[use]) ?? [];
  return [...(elect(({ names }) => filled(names)) ?? []), ...other("usual"), ...other("maiden"), ...other("old")];
}

function electExtensions(elect: Elect): Extension[] {
  return PATIENT_EXTENSIONS.flatMap((url: keyof PatientExtensions) => elect(({ extensions }) => extensions[url]) ?? []);
}

function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}
