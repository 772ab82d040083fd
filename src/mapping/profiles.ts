/**
 * Profiles that a study may claim (`meta.profile`): what each adds to a study (identifier types, endpoints of series), and what it demands. A study
 * that lacks something demanded does not claim the profile, because a claim that does not hold is worse than none; one issue names what is missing.
 * Several orders, or several performers of one function, are more than the slices of these profiles take.
 */
import type { CodeableConcept, Identifier, Reference } from "fhir/r4";
import { IDENTIFIER_TYPE } from "./identifier-type.ts";
import type { Profile } from "./includes.ts";
import { DCM } from "./modalities.ts";
import type { EndpointModel, PerformerModel, StudyModel } from "./model.ts";
import type { MappingOptions } from "./options.ts";
import type { Subject } from "./subject.ts";
import type { Keyword } from "./tags.ts";

const IHE = "https://profiles.ihe.net/RAD/";
/** IHE IMR 1.1.0, IHE MADO 1.0.0, HL7 Europe Imaging 1.0.0-ballot. The IHE profiles are of R4 only. */
export const PROFILE_URLS: Readonly<Record<Profile, { R4: string; R5?: string }>> = {
  "ihe-imr": { R4: `${IHE}IMR/StructureDefinition/imr-imagingstudy` },
  "ihe-mado": { R4: `${IHE}MADO/StructureDefinition/MadoImagingStudy` },
  "eu-imaging": {
    R4: "http://hl7.eu/fhir/imaging-r4/StructureDefinition/ImagingStudyEuImaging",
    R5: "http://hl7.eu/fhir/imaging-r5/StructureDefinition/ImagingStudyEuImaging",
  },
};
export const ENDPOINT_PROFILE_URLS = {
  "ihe-imr": `${IHE}IMR/StructureDefinition/imr-study-endpoint`,
  "ihe-mado": `${IHE}MADO/StructureDefinition/MadoWadoEndpoint`,
} as const satisfies Partial<Record<Profile, string>>;
export const RETRIEVE_LOCATION_URL = `${IHE}MADO/StructureDefinition/MadoRetrieveLocationUIDExtension`;

type Asked = Pick<MappingOptions, "include" | "fhirVersion" | "retrieveLocationUid" | "qidoEndpoint">;
type Candidate = { model: StudyModel; subject: Subject };
/** What must be there; `keyword` is the attribute that the issue names. */
type Demand = { keyword: Keyword; holds: (candidate: Candidate) => boolean };

const started: Demand = { keyword: "StudyDate", holds: ({ model }) => model.started !== undefined };
const patient: Demand = { keyword: "PatientID", holds: ({ subject }) => subject.kind === "patient" };
/** The slice of `basedOn` has room for one reference, and its identifier needs a system. */
const oneOrder: Demand = { keyword: "RequestAttributesSequence", holds: ({ model }) => model.basedOn.length <= 1 };
const identifiedOrder: Demand = {
  keyword: "IssuerOfAccessionNumberSequence",
  holds: ({ model }) => model.basedOn.every(({ identifier }) => isAccession(identifier) && Boolean(identifier?.system)),
};

const DEMANDS: Readonly<Record<Profile, readonly Demand[]>> = {
  "ihe-imr": [
    patient,
    started,
    { keyword: "Modality", holds: ({ model }) => model.modalities.length > 0 },
    { keyword: "SeriesInstanceUID", holds: ({ model }) => model.series.length > 0 },
  ],
  "ihe-mado": [
    patient,
    { keyword: "ProcedureCodeSequence", holds: ({ model }) => model.procedure.some(isShown) },
    oneOrder,
    identifiedOrder,
    {
      keyword: "SOPInstanceUID",
      holds: ({ model }) => model.series.every(({ instance }) => instance.length > 0),
    },
  ],
  "eu-imaging": [
    {
      keyword: "PatientName",
      holds: ({ subject }) =>
        subject.kind === "device" || (subject.kind === "patient" && subject.patient.name !== undefined),
    },
    {
      keyword: "PatientBirthDate",
      holds: ({ subject }) => subject.kind !== "patient" || subject.patient.birthDate !== undefined,
    },
    { keyword: "AccessionNumber", holds: ({ model }) => model.accessions.length > 0 },
    oneOrder,
    identifiedOrder,
    {
      keyword: "OperatorsName",
      holds: ({ model }) => model.series.every(({ performer }) => hasDistinctFunctions(performer)),
    },
  ],
};

function isAccession(identifier: Identifier | undefined): boolean {
  return identifier?.type?.coding?.some(({ system, code }) => system === IDENTIFIER_TYPE && code === "ACSN") === true;
}

/** MADO's mado-reqproc-1: a procedure that can be shown to a person. */
function isShown({ text, coding = [] }: CodeableConcept): boolean {
  return text !== undefined || coding.some(({ display }) => display !== undefined);
}

function hasDistinctFunctions(performers: readonly PerformerModel[]): boolean {
  const codes = performers.map((one) => one.function?.coding?.[0]?.code);
  return new Set(codes).size === codes.length;
}

/**
 * The profiles asked for that can be satisfied. MADO's Endpoint needs the source's location; IMR lets a study refer to endpoints of WADO-RS and IID only,
 * and its form of the WADO-RS endpoint excludes MADO's, so of both MADO it is.
 */
function applicable({ include, fhirVersion = "R4", retrieveLocationUid, qidoEndpoint }: Asked) {
  const mado = include?.has("ihe-mado") === true && Boolean(retrieveLocationUid);
  const possible: Readonly<Record<Profile, boolean>> = {
    "ihe-imr": !mado && qidoEndpoint !== true,
    "ihe-mado": mado,
    "eu-imaging": true,
  };
  return (Object.keys(PROFILE_URLS) as Profile[]).flatMap((profile) => {
    const url = PROFILE_URLS[profile][fhirVersion];
    return include?.has(profile) && url !== undefined && possible[profile] ? [{ profile, url }] : [];
  });
}

/**
 * The study with what the profiles add and the claims that hold.
 * @param missing is told once for each profile that is not claimed, with the attribute that it lacks
 */
export function withProfiles(
  model: StudyModel,
  subject: Subject,
  options: Asked,
  missing: (keyword: Keyword) => void,
): StudyModel {
  const asked = applicable(options);
  if (asked.length === 0) return model;
  const fitted = addedBy(model, new Set(asked.map(({ profile }) => profile)));
  const claimed = asked.flatMap(({ profile, url }) => {
    const unmet = DEMANDS[profile].find(({ holds }) => !holds({ model: fitted, subject }));
    if (unmet === undefined) return [url];
    missing(unmet.keyword);
    return [];
  });
  return claimed.length === 0 ? fitted : { ...fitted, meta: { profile: claimed, ...fitted.meta } };
}

const STUDY_UID_TYPE = { coding: [{ system: DCM, code: "110180", display: "Study Instance UID" }] };
const ACCESSION_CODING = { system: DCM, code: "121022", display: "Accession Number" };

function addedBy(model: StudyModel, asked: ReadonlySet<Profile>): StudyModel {
  const [uid, ...others] = model.identifier;
  const typed = asked.has("ihe-mado") || asked.has("eu-imaging");
  const accession = (one: Identifier): Identifier =>
    typed && isAccession(one) ? { ...one, type: { coding: [...(one.type?.coding ?? []), ACCESSION_CODING] } } : one;
  return {
    ...model,
    identifier: uid === undefined ? [] : [{ type: STUDY_UID_TYPE, ...uid }, ...others],
    accessions: model.accessions.map(accession),
    basedOn: model.basedOn.map((order) =>
      order.identifier === undefined ? order : { ...order, identifier: accession(order.identifier) },
    ),
    series: model.series.map((series) => ({
      ...series,
      // The first one is that of WADO-RS.
      endpoint: asked.has("ihe-mado") ? model.endpoint.slice(0, 1) : series.endpoint,
      performer: asked.has("eu-imaging") ? series.performer.map(inRole) : series.performer,
    })),
  };
}

/** Europe's performer is a PractitionerRole: the person at the institution, which is what DICOM tells of. */
function inRole(performer: PerformerModel): PerformerModel {
  const actor: Reference = performer.actor;
  return actor.type === "Practitioner" ? { ...performer, actor: { ...actor, type: "PractitionerRole" } } : performer;
}

/** An Endpoint as the profile asked for has it: IMR takes no payload type but its own, MADO's for WADO-RS has a text and the source's location. */
export function endpointWithProfiles(model: EndpointModel, options: Asked): EndpointModel {
  const [first] = model.payloadType;
  const coding = (code: string) => first?.coding?.filter((one) => one.code === code) ?? [];
  const claim = (url: string) => ({ profile: [url], ...model.meta });
  const asked = new Set(applicable(options).map(({ profile }) => profile));
  if (asked.has("ihe-mado") && model.connectionType.code === "dicom-wado-rs")
    return {
      ...model,
      meta: claim(ENDPOINT_PROFILE_URLS["ihe-mado"]),
      extension: [...model.extension, { url: RETRIEVE_LOCATION_URL, valueString: options.retrieveLocationUid ?? "" }],
      payloadType: [{ coding: coding("none"), text: "DICOM WADO-RS" }],
    };
  if (asked.has("ihe-imr"))
    return {
      ...model,
      meta: claim(ENDPOINT_PROFILE_URLS["ihe-imr"]),
      payloadType: [{ coding: coding("113014") }],
    };
  return model;
}
