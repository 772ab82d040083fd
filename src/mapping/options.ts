import type { SiteCodes } from "./body-parts.ts";
import type { Include } from "./includes.ts";
import type { FhirVersion } from "./rows/row.ts";
import type { SupportingType } from "./supporting.ts";

/** What the mapping is told. All of it decides what is written, so it is stamped with the state (identity options). */
export type MappingOptions = {
  /** The FHIR server's; R4 when absent. */
  fhirVersion?: FhirVersion | undefined;
  /** Names the DICOM service; part of every id we make. */
  sourceId: string;
  /** System of Patient IDs whose issuer gives none. */
  patientIdSystem?: string | undefined;
  /** Issuer text → system, for Patient IDs and accession numbers. */
  issuerSystems: Readonly<Record<string, string>>;
  /** System of accession numbers whose issuer gives none. */
  accessionSystem?: string | undefined;
  /** System of Study IDs (0020,0010); without it they are not written, because they are unique nowhere. */
  studyIdSystem?: string | undefined;
  /** System of Performed Procedure Step IDs; without it no procedure is referred to. */
  procedureStepIdSystem?: string | undefined;
  /** System of Performed Locations (0040,0243); without it a location is a display only. */
  locationSystem?: string | undefined;
  /** Coding Scheme Designator (`99ABC`) or UID → system, for schemes that the table of coding schemes does not have. */
  codeSystems?: Readonly<Record<string, string>> | undefined;
  /** Whether studies refer to a QIDO-RS Endpoint too, at the address of the WADO-RS one. */
  qidoEndpoint?: boolean | undefined;
  /** Address of an IHE-IID viewer (RAD-106), for an Endpoint of its own; `{partition}` in it is the partition's name. */
  viewerUrl?: string | undefined;
  /** Body Part Examined as the site writes it → code, before the defined terms. */
  bodyPartCodes?: SiteCodes | undefined;
  /** Modality as the site writes it → defined term. */
  modalityCodes?: Readonly<Record<string, string>> | undefined;
  /** IANA zone of times without an offset. */
  timeZone?: string | undefined;
  /** Studies with more instances than this list no plain images. */
  instanceListLimit: number;
  /** Types of supporting resources that are written; references to others stay logical. None when absent. */
  upsert?: ReadonlySet<SupportingType> | undefined;
  /** Opt-in elements that are written (table INCLUDES) and profiles that are claimed (table PROFILES); none when absent. */
  include?: ReadonlySet<Include> | undefined;
  /** Retrieve Location UID (0040,E011) of the source, which IHE MADO demands of the Endpoint. */
  retrieveLocationUid?: string | undefined;
  /** v2-0203 type of Patient IDs whose issuer states none; `MR` when absent. */
  patientIdType?: string | undefined;
  /** Given names cut at spaces, as DICOMcast did. */
  splitGiven: boolean;
};
