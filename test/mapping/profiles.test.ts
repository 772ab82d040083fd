/**
 * Profiles by rules of our own, read off the profiles' definitions (IHE IMR 1.1.0 and MADO 1.0.0, HL7 Europe Imaging 1.0.0-ballot) and applied to
 * the resources as written: one that claims a profile breaks none of its rules, and one of which a demanded element is taken away makes no claim.
 */
import { describe, expect, test } from "@jest/globals";
import type { Endpoint, Identifier, ImagingStudy, ImagingStudySeries } from "fhir/r4";
import { type MappingOptions, mapDatasets, PROFILES, wantedIncludes } from "../../src/mapping/index.ts";
import { validateFhirR5 } from "../support/fhir-r5-validation.ts";
import { validateFhir } from "../support/fhir-validation.ts";
import { ctImage, element, type Json, OPTIONS, sequence } from "./datasets.ts";

type Profile = keyof typeof PROFILES;
type Resources = { study: ImagingStudy; endpoints: ReadonlyMap<string, Endpoint>; patient: object | undefined };
type Rule = { says: string; holds: (resources: Resources) => boolean };

const DCM = "http://dicom.nema.org/resources/ontology/DCM";
const ACSN = "http://terminology.hl7.org/CodeSystem/v2-0203 ACSN";
const types = (identifier: Identifier | undefined) =>
  identifier?.type?.coding?.map(({ system, code }) => `${system} ${code}`) ?? [];
const uids = (study: ImagingStudy) =>
  (study.identifier ?? []).filter((one) => one.system === "urn:dicom:uid" && types(one).includes(`${DCM} 110180`));
const seriesOf = (study: ImagingStudy): ImagingStudySeries[] => study.series ?? [];
const functions = ({ performer = [] }: ImagingStudySeries) => performer.map((one) => one.function?.coding?.[0]?.code);

const ONE_UID: Rule = {
  says: "exactly one identifier is the Study Instance UID, typed DCM 110180",
  holds: ({ study }) => uids(study).length === 1 && uids(study)[0]?.value !== undefined,
};
const OF_A_PATIENT: Rule = {
  says: "the subject is a Patient",
  holds: ({ study, patient }) => patient !== undefined && study.subject.type === "Patient",
};
const ONE_ORDER: Rule = {
  says: "the order is at most one, an accession number with its system, typed ACSN and DCM 121022",
  holds: ({ study: { basedOn = [] } }) =>
    basedOn.length <= 1 &&
    basedOn.every(
      ({ identifier }) =>
        identifier?.system !== undefined &&
        identifier.value !== undefined &&
        types(identifier).join() === `${ACSN},${DCM} 121022`,
    ),
};

const RULES: Readonly<Record<Profile, { url: string; rules: readonly Rule[] }>> = {
  "ihe-imr": {
    url: "https://profiles.ihe.net/RAD/IMR/StructureDefinition/imr-imagingstudy",
    rules: [
      ONE_UID,
      OF_A_PATIENT,
      { says: "modality 1..*", holds: ({ study }) => (study.modality ?? []).length > 0 },
      { says: "started 1..1", holds: ({ study }) => study.started !== undefined },
      { says: "series 1..*", holds: ({ study }) => seriesOf(study).length > 0 },
      {
        says: "endpoint 1..*, each of WADO-RS or IID with one payload type that is DCM 113014 and nothing else",
        holds: ({ study, endpoints }) => {
          const referred = (study.endpoint ?? []).map(({ reference }) => endpoints.get(reference ?? ""));
          return (
            referred.length > 0 &&
            referred.every(
              (one) =>
                ["dicom-wado-rs", "ihe-iid"].includes(one?.connectionType.code ?? "") &&
                one?.payloadType.length === 1 &&
                one.payloadType[0]?.coding?.every(({ system, code }) => system === DCM && code === "113014"),
            )
          );
        },
      },
    ],
  },
  "ihe-mado": {
    url: "https://profiles.ihe.net/RAD/MADO/StructureDefinition/MadoImagingStudy",
    rules: [
      ONE_UID,
      OF_A_PATIENT,
      ONE_ORDER,
      {
        says: "mado-reqproc-1: a procedure that can be shown",
        holds: ({ study: { procedureCode = [] } }) =>
          procedureCode.some(({ text, coding = [] }) => text ?? coding.some(({ display }) => display)),
      },
      { says: "numberOfSeries 1..1", holds: ({ study }) => study.numberOfSeries !== undefined },
      {
        says: "of each series numberOfInstances 1..1, instance 1..*",
        holds: ({ study }) =>
          seriesOf(study).every((one) => one.numberOfInstances !== undefined && (one.instance ?? []).length > 0),
      },
      {
        says: "each series has an endpoint of WADO-RS with a retrieve location, a text as payload type and a base address",
        holds: ({ study, endpoints }) =>
          seriesOf(study).every((one) =>
            (one.endpoint ?? []).some(({ reference }) => {
              const endpoint = endpoints.get(reference ?? "");
              return (
                endpoint?.status === "active" &&
                endpoint.connectionType.code === "dicom-wado-rs" &&
                endpoint.extension?.filter(({ url }) => url.endsWith("/MadoRetrieveLocationUIDExtension")).length ===
                  1 &&
                endpoint.payloadType.some(
                  ({ text, coding = [] }) =>
                    text === "DICOM WADO-RS" && coding.length === 1 && coding[0]?.code === "none",
                ) &&
                !/\/(studies)?$/.test(endpoint.address)
              );
            }),
          ),
      },
    ],
  },
  "eu-imaging": {
    url: "http://hl7.eu/fhir/imaging-r4/StructureDefinition/ImagingStudyEuImaging",
    rules: [
      ONE_UID,
      OF_A_PATIENT,
      ONE_ORDER,
      { says: "the order is there", holds: ({ study }) => (study.basedOn ?? []).length === 1 },
      {
        says: "the Patient has a name and a birth date",
        holds: ({ patient }) => patient !== undefined && "name" in patient && "birthDate" in patient,
      },
      {
        says: "at most one performer of each function, PRF a PractitionerRole, DEV a Device, LOC an Organization",
        holds: ({ study }) =>
          seriesOf(study).every((one) => {
            const actors: Record<string, string> = { PRF: "PractitionerRole", DEV: "Device", LOC: "Organization" };
            return (
              new Set(functions(one)).size === functions(one).length &&
              (one.performer ?? []).every(({ actor }, index) => actor.type === actors[functions(one)[index] ?? ""])
            );
          }),
      },
    ],
  },
};

/** A study that has all that any of the profiles demands. */
const COMPLETE: Json = {
  "00080050": element("SH", "A1"),
  "00080051": sequence({ "00400032": element("UT", "1.2.40.7"), "00400033": element("CS", "ISO") }),
  "00081032": sequence({
    "00080100": element("SH", "24627-2"),
    "00080102": element("SH", "LN"),
    "00080104": element("LO", "CT Chest"),
  }),
  "00080070": element("LO", "Maker"),
  "00080080": element("LO", "St Elsewhere"),
  "00081050": element("PN", { Alphabetic: "Grey^Meredith" }),
  "00100030": element("DA", "19700102"),
};

function map(profiles: readonly Profile[], overrides: Json = {}, options: Partial<MappingOptions> = {}) {
  const { bundle, studies } = mapDatasets(
    [ctImage(1, { ...COMPLETE, ...overrides })],
    { ...OPTIONS, retrieveLocationUid: "1.2.40.8", include: wantedIncludes(profiles), ...options },
    "http://dicom.example/v2/",
  );
  const entries = (bundle.entry ?? []).map(({ fullUrl, resource }) => [fullUrl ?? "", resource] as const);
  const endpoints = entries.filter(([, one]) => one?.resourceType === "Endpoint") as [string, Endpoint][];
  const resources: Resources = {
    study: entries.map(([, one]) => one).find((one) => one?.resourceType === "ImagingStudy") as ImagingStudy,
    endpoints: new Map(endpoints),
    patient: entries.map(([, one]) => one).find((one) => one?.resourceType === "Patient"),
  };
  const unclaimed = studies[0]?.issues.filter(({ code }) => code === "profile-not-claimed") ?? [];
  return { resources, unclaimed: unclaimed.map(({ keyword, count }) => `${keyword} ${count}`) };
}

const broken = (profile: Profile, resources: Resources) =>
  RULES[profile].rules.filter(({ holds }) => !holds(resources)).map(({ says }) => says);

describe.each(Object.keys(PROFILES) as Profile[])("%s", (profile) => {
  test("is claimed by a study that breaks none of its rules", async () => {
    const { resources, unclaimed } = map([profile]);
    expect(broken(profile, resources)).toEqual([]);
    expect(resources.study.meta?.profile).toEqual([RULES[profile].url]);
    expect(unclaimed).toEqual([]);
    expect(
      await validateFhir({ ...resources.study, endpoint: undefined, series: undefined, subject: { display: "x" } }),
    ).toEqual([]);
  });

  test("is not claimed when it is not asked for, and nothing is added for it", () => {
    const { resources } = map([]);
    expect(resources.study.meta?.profile).toBeUndefined();
    expect(uids(resources.study)).toEqual([]);
    expect(seriesOf(resources.study).flatMap(({ endpoint = [] }) => endpoint)).toEqual([]);
    for (const endpoint of resources.endpoints.values()) expect(endpoint.meta?.profile).toBeUndefined();
  });
});

/** What a study lacks, and the attribute that the one issue names. */
const LACKING: readonly [Profile, string, Json, string][] = [
  ["ihe-imr", "a Patient ID", { "00100020": undefined }, "PatientID"],
  ["ihe-imr", "a start", { "00080020": undefined }, "StudyDate"],
  ["ihe-imr", "a modality", { "00080060": undefined, "00080016": element("UI", "1.2.3") }, "Modality"],
  ["ihe-mado", "a Patient ID", { "00100020": undefined }, "PatientID"],
  ["ihe-mado", "a procedure", { "00081032": undefined }, "ProcedureCodeSequence"],
  ["ihe-mado", "the accession number's issuer", { "00080051": undefined }, "IssuerOfAccessionNumberSequence"],
  ["ihe-mado", "singleness of its order", { "00402016": element("LO", "P1") }, "RequestAttributesSequence"],
  ["eu-imaging", "the patient's name", { "00100010": undefined }, "PatientName"],
  ["eu-imaging", "the birth date", { "00100030": undefined }, "PatientBirthDate"],
  ["eu-imaging", "an accession number", { "00080050": undefined }, "AccessionNumber"],
  ["eu-imaging", "the accession number's issuer", { "00080051": undefined }, "IssuerOfAccessionNumberSequence"],
  ["eu-imaging", "a single performer", { "00081070": element("PN", { Alphabetic: "Roe^Rita" }) }, "OperatorsName"],
];

describe("a profile is not claimed, and one issue says why,", () => {
  test.each(LACKING)("%s, by a study without %s", (profile, _what, overrides, keyword) => {
    const { resources, unclaimed } = map([profile], overrides);
    expect(resources.study.meta?.profile).toBeUndefined();
    expect(unclaimed).toEqual([`${keyword} 1`]);
    expect(broken(profile, resources)).not.toEqual([]);
  });

  test("ihe-mado, by a study whose instances are not listed", () => {
    const { resources, unclaimed } = map(["ihe-mado"], {}, { instanceListLimit: 0 });
    expect(unclaimed).toEqual(["SOPInstanceUID 1"]);
    expect(broken("ihe-mado", resources)).toEqual(["of each series numberOfInstances 1..1, instance 1..*"]);
  });
});

test("an absent accession number is allowed by IHE MADO", () => {
  const { resources, unclaimed } = map(["ihe-mado"], { "00080050": undefined });
  expect(unclaimed).toEqual([]);
  expect(broken("ihe-mado", resources)).toEqual([]);
});

test("IHE's two profiles exclude each other's Endpoint: asked for both, MADO is claimed; MADO needs a retrieve location", () => {
  const profilesOf = (options: Partial<MappingOptions>) =>
    map(["ihe-imr", "ihe-mado"], {}, options).resources.study.meta?.profile;
  expect(profilesOf({})).toEqual([RULES["ihe-mado"].url]);
  expect(profilesOf({ retrieveLocationUid: undefined })).toEqual([RULES["ihe-imr"].url]);
});

test("IHE IMR is not claimed where studies refer to a QIDO-RS endpoint; a viewer's is right", () => {
  expect(map(["ihe-imr"], {}, { qidoEndpoint: true }).resources.study.meta?.profile).toBeUndefined();
  const { resources } = map(["ihe-imr"], {}, { viewerUrl: "https://viewer.example/IID" });
  expect(resources.endpoints.size).toBe(2);
  expect(broken("ihe-imr", resources)).toEqual([]);
});

test("several profiles are claimed side by side", () => {
  const { resources } = map(["ihe-mado", "eu-imaging"]);
  expect(resources.study.meta?.profile).toEqual([RULES["ihe-mado"].url, RULES["eu-imaging"].url]);
  expect([...broken("ihe-mado", resources), ...broken("eu-imaging", resources)]).toEqual([]);
});

test("in R5 only HL7 Europe's is claimed, by its R5 url", () => {
  const { resources, unclaimed } = map(["ihe-imr", "ihe-mado", "eu-imaging"], {}, { fhirVersion: "R5" });
  expect(resources.study.meta?.profile).toEqual([
    "http://hl7.eu/fhir/imaging-r5/StructureDefinition/ImagingStudyEuImaging",
  ]);
  expect(unclaimed).toEqual([]);
  expect(validateFhirR5(resources.study)).toEqual([]);
});
