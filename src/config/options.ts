/** The manifest: every option once. The name is the environment variable, the key in the file and, in lower case with dashes, the flag. */

import { INCLUDES, MODALITY_TERMS, PROFILES } from "../mapping/index.ts";
import { authOptions } from "./auth-options.ts";
import type { Option } from "./option.ts";
import { feedOptions, limitOptions, syncOptions } from "./work-options.ts";

const services = {
  DICOM_URL: {
    kind: "url",
    group: "services",
    about: "Root of the DICOM service whose change feed is followed, without /v1, /v2 or /studies. Required.",
    example: "https://ws-pacs.dicom.azurehealthcareapis.com",
  },
  DICOM_PUBLIC_URL: {
    kind: "public-url",
    group: "services",
    about:
      "WADO-RS base to publish in Endpoint.address when readers reach the service at another address than studycast.",
    example: "https://images.hospital.example/dicom-web",
  },
  FHIR_URL: {
    kind: "url",
    group: "services",
    about: "Base of the FHIR R4 server. Required.",
    example: "https://fhir.hospital.example/fhir",
  },
  REDIS_URL: {
    kind: "redis",
    group: "services",
    fileToo: true,
    about:
      "Redis ≥ 6.2 or Valkey: redis://, rediss:// (TLS), redis+cluster://, redis+sentinel:// (with TLS rediss+…) or the path of a Unix socket. Unset: `start` runs one of its own in DATA_DIR.",
    example: "rediss://user:password@redis.hospital.example:6380",
  },
  REDIS_CA: {
    kind: "text",
    group: "services",
    fileToo: true,
    about: "PEM certificates of the authorities a rediss:// server is checked against; unset: the system's.",
  },
  DATA_DIR: {
    kind: "path",
    group: "services",
    default: "studycast-data",
    about: "Folder of the embedded Redis; used only when REDIS_URL is unset. Keep it on a durable disk.",
  },
  SOURCE_ID: {
    kind: "id",
    group: "services",
    default: "dicom",
    about:
      "Name of this DICOM service; part of every resource id, so it must never change. Letters, digits, `_`, `.` and `-`.",
    example: "pacs-north",
  },
} as const satisfies Record<string, Option>;

const resources = {
  FHIR_VERSION: {
    kind: "choice",
    choices: ["auto", "R4", "R5"],
    group: "resources",
    default: "auto",
    about:
      "The version of FHIR that is written. `auto`: the one the server states (4.0 and 4.3: R4; 5.0: R5), and R4 where no server is asked.",
  },
  PATIENT_POLICY: {
    kind: "choice",
    choices: ["link", "create", "sync"],
    group: "resources",
    default: "create",
    about:
      "`link`: Patients are never written. `create`: one that is absent is created, and only those are updated later. `sync`: our elements are kept up to date on every Patient.",
  },
  DEVICE_POLICY: {
    kind: "choice",
    choices: ["logical", "upsert"],
    group: "resources",
    default: "upsert",
    about:
      "Equipment with a serial number, UDI or Device UID: `upsert` writes it as Device; `logical` refers to it by identifier and name only.",
  },
  PRACTITIONER_POLICY: {
    kind: "choice",
    choices: ["logical", "upsert"],
    group: "resources",
    default: "logical",
    about:
      "People with an identifier that has a system: `upsert` writes them as Practitioner; `logical` refers to them by identifier and name only.",
  },
  ORGANIZATION_POLICY: {
    kind: "choice",
    choices: ["logical", "upsert"],
    group: "resources",
    default: "logical",
    about:
      "Institutions with a code that has a system: `upsert` writes them as Organization; `logical` refers to them only.",
  },
  LOCATION_POLICY: {
    kind: "choice",
    choices: ["logical", "upsert"],
    group: "resources",
    default: "logical",
    about:
      "Places with an identifier that has a system: `upsert` writes them as Location; `logical` refers to them only.",
  },
  SERVICE_REQUEST_POLICY: {
    kind: "choice",
    choices: ["logical", "upsert"],
    group: "resources",
    default: "logical",
    about:
      "Orders with an accession number that has a system: `upsert` writes them as ServiceRequest; `logical` refers to them only.",
  },
  PATIENT_ID_SYSTEM: {
    kind: "system",
    group: "resources",
    about: "Identifier system (URI) of patient IDs without a known issuer. This or ISSUER_SYSTEMS is required.",
    example: "https://hospital.example/mrn",
  },
  ISSUER_SYSTEMS: {
    kind: "systems",
    group: "resources",
    default: {},
    about:
      "Identifier system of each Issuer of Patient ID: JSON, or issuer=system pairs with commas between them. A patient ID with another issuer waits, unless PATIENT_ID_SYSTEM is set. `partition:NAME` gives the system of patient IDs without a known issuer in one partition.",
    example: "HOSP-A=urn:oid:1.2.3,HOSP-B=https://b.example/mrn",
  },
  ACCESSION_SYSTEM: {
    kind: "system",
    group: "resources",
    about: "Identifier system (URI) of accession numbers; without it they carry no system.",
    example: "https://hospital.example/accession",
  },
  STUDY_ID_SYSTEM: {
    kind: "system",
    group: "resources",
    about: "Identifier system (URI) of Study IDs; without it they are not written, because they are unique nowhere.",
    example: "https://hospital.example/study",
  },
  PROCEDURE_STEP_ID_SYSTEM: {
    kind: "system",
    group: "resources",
    about: "Identifier system (URI) of Performed Procedure Step IDs; without it no performed procedure is referred to.",
    example: "https://hospital.example/procedure-step",
  },
  LOCATION_SYSTEM: {
    kind: "system",
    group: "resources",
    about: "Identifier system (URI) of Performed Locations (0040,0243); without it a location is a display only.",
    example: "https://hospital.example/room",
  },
  CODE_SYSTEMS: {
    kind: "systems",
    group: "resources",
    default: {},
    about:
      "Code system of each private coding scheme, by Coding Scheme Designator or UID: JSON, or scheme=system pairs with commas between them. Codes of a scheme without a system are written as text.",
    example: "99HOSP=https://hospital.example/codes",
  },
  BODY_PART_CODES: {
    kind: "codes",
    group: "resources",
    default: {},
    about:
      "Code of each Body Part Examined that the site writes in its own way, before the defined terms: JSON, or name=code pairs with commas between them. A code is one of SNOMED CT, or `system|code|display`. Letter case, spaces and punctuation of the name do not matter.",
    example: "LWS=122496007,BECKEN=12921003",
  },
  MODALITY_CODES: {
    kind: "terms",
    terms: MODALITY_TERMS,
    what: "modality of DICOM (PS3.16 CID 33)",
    group: "resources",
    default: {},
    about:
      "Modality (PS3.16 CID 33) of each term that the site's devices write instead: JSON, or term=modality pairs with commas between them.",
    example: "XR=DX,MRI=MR",
  },
  TIME_ZONE: {
    kind: "time-zone",
    group: "resources",
    about:
      "IANA time zone of the modalities, for dates and times that state none. Unset: such values keep the precision of a date.",
    example: "Europe/Berlin",
  },
  DELETE_POLICY: {
    kind: "choice",
    choices: ["delete", "mark"],
    group: "resources",
    default: "delete",
    about:
      "When a study's last instance is deleted: `delete` the ImagingStudy we created, or `mark` it entered-in-error.",
  },
  SPLIT_GIVEN: {
    kind: "choice",
    choices: ["no", "yes"],
    group: "resources",
    default: "no",
    about: "Whether given names are cut at spaces into several, as DICOMcast did.",
  },
  PATIENT_ID_TYPE: {
    kind: "choice",
    choices: ["MR", "PI", "PT", "PE", "NI", "NH", "SS", "JHN", "HC", "RRI", "U"],
    group: "resources",
    default: "MR",
    about: "Identifier type (HL7 table 0203) of patient IDs whose issuer states none.",
  },
  MAPPING_INCLUDE: {
    kind: "names",
    names: INCLUDES,
    group: "resources",
    default: [],
    about:
      "Elements that are written only when asked for: names with commas between them. After a change run `studycast resync --all`; what is no longer asked for stays in FHIR.",
    example: "birth-time,language",
  },
  PROFILES: {
    kind: "names",
    names: PROFILES,
    group: "resources",
    default: [],
    about:
      "Profiles that a study claims (`meta.profile`) where it satisfies them; it then has what they add, such as types of its identifiers. One that does not satisfy them makes no claim and has the issue `profile-not-claimed`. A FHIR server that validates what is written has to know these profiles, or it refuses the claims. After a change run `studycast resync --all`.",
    example: "ihe-imr,eu-imaging",
  },
  RETRIEVE_LOCATION_UID: {
    kind: "text",
    group: "resources",
    about:
      "Retrieve Location UID (0040,E011) of the DICOM service, which the profile `ihe-mado` demands of the Endpoint.",
    example: "1.2.826.0.1.3680043.9",
  },
  QIDO_ENDPOINT: {
    kind: "choice",
    choices: ["no", "yes"],
    group: "resources",
    default: "no",
    about: "Whether studies refer to an Endpoint of connection type dicom-qido-rs too, at the WADO-RS base.",
  },
  VIEWER_URL: {
    kind: "public-url",
    group: "resources",
    about:
      "Address of a viewer that understands IHE Invoke Image Display (RAD-106), for an Endpoint of connection type ihe-iid that every study refers to; readers append `?requestType=STUDY&studyUID=…`. `{partition}` in it is the name of the data partition.",
    example: "https://viewer.hospital.example/IHEInvokeImageDisplay",
  },
  MAPPING_MODULE: {
    kind: "path",
    group: "resources",
    about:
      "ES module of the site's own rules: a function that changes a study's resources before they are written (docs/site-rules.md). After a change run `studycast resync --all`.",
    example: "./site-rules.mjs",
  },
  INSTANCE_LIST_LIMIT: {
    kind: "integer",
    min: 0,
    max: 1_000_000,
    group: "resources",
    default: 5000,
    about:
      "Studies with more instances list no plain images; the counts stay true. A higher limit needs a higher FHIR_MAX_BYTES, some 2 kB for each instance.",
  },
} as const satisfies Record<string, Option>;

const http = {
  HTTP_HOST: {
    kind: "text",
    group: "http",
    default: "127.0.0.1",
    about: "Address to listen at. Beyond loopback HTTP_PASSWORD is required.",
  },
  HTTP_PORT: {
    kind: "integer",
    min: 0,
    max: 65535,
    group: "http",
    default: 8080,
    about: "Port to listen at; 0 takes a free one.",
  },
  HTTP_USER: { kind: "text", group: "http", default: "studycast", about: "User of the status page and the dashboard." },
  HTTP_PASSWORD: {
    kind: "text",
    group: "http",
    secret: true,
    fileToo: true,
    about: "Password of the status page and the dashboard (basic auth); the probes stay open.",
  },
  METRICS: {
    kind: "choice",
    choices: ["open", "password", "off"],
    group: "http",
    default: "open",
    about: "/metrics without a password (it holds no patient data), with it, or not at all.",
  },
  LOG_LEVEL: {
    kind: "choice",
    choices: ["debug", "info", "warn", "error", "silent"],
    group: "http",
    default: "info",
    about: "Least severe log lines to write.",
  },
} as const satisfies Record<string, Option>;

export const OPTIONS = {
  ...services,
  ...resources,
  ...http,
  ...authOptions("DICOM"),
  ...authOptions("FHIR"),
  ...feedOptions,
  ...syncOptions,
  ...limitOptions,
};
export type OptionName = keyof typeof OPTIONS;

/** Name and option in the order of the manifest. */
export function optionList(): readonly (readonly [OptionName, Option])[] {
  return Object.entries(OPTIONS) as [OptionName, Option][];
}
