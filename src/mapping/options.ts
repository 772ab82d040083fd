/** What the mapping is told. All of it decides what is written, so it is stamped with the state (identity options). */
export type MappingOptions = {
  /** Names the DICOM service; part of every id we make. */
  sourceId: string;
  /** System of Patient IDs whose issuer gives none. */
  patientIdSystem?: string | undefined;
  /** Issuer text → system, for Patient IDs and accession numbers. */
  issuerSystems: Readonly<Record<string, string>>;
  /** System of accession numbers whose issuer gives none. */
  accessionSystem?: string | undefined;
  /** Coding Scheme Designator (`99ABC`) or UID → system, for schemes that the table of coding schemes does not have. */
  codeSystems?: Readonly<Record<string, string>> | undefined;
  /** IANA zone of times without an offset. */
  timeZone?: string | undefined;
  /** Studies with more instances than this list no plain images. */
  instanceListLimit: number;
  /** Given names cut at spaces, as DICOMcast did. */
  splitGiven: boolean;
};
