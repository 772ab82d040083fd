/** The demo's words. */
import type { RedisAddress } from "../../src/redis/index.ts";
import type { Present } from "./look.ts";

/** What `--json` prints. */
export type Summary = {
  /** Files stored and refused, and the studies the DICOM service then holds. */
  dicom: { stored: number; refused: number; studies: number };
  fhir: Present["fhir"];
  pending: number;
  failed: number;
  /** Studies whose last sync left instances out. */
  rejected: number;
  /** From the start of the demo until everything was synced. */
  seconds: number;
};

export type Links = { url: string; dicomUrl: string; fhirUrl: string; address: RedisAddress; sourceId: string };

export function linkLines({ url, dicomUrl, fhirUrl, address, sourceId }: Links): string[] {
  const redis = address.kind === "socket" ? address.path : "";
  return [
    `status page      ${url}/`,
    `queue dashboard  ${url}/queues`,
    `DICOM service    ${dicomUrl}   (STOW-RS: POST ${dicomUrl}/v2/studies)`,
    `FHIR server      ${fhirUrl}`,
    `command line     REDIS_URL=${redis} SOURCE_ID=${sourceId} npx studycast status`,
    "",
  ];
}

export function progressLine({ latest, scan, pending, failed, fhir }: Present): string {
  const trouble = failed > 0 ? ` · ${failed} failed` : "";
  return `feed ${scan} of ${latest} · ${pending} pending${trouble} · FHIR: ${fhirText(fhir)}`;
}

export function summaryLines({ dicom, fhir, pending, failed, rejected, seconds }: Summary): string[] {
  return [
    `DICOM    ${dicom.stored} files stored, ${dicom.refused} refused; ${dicom.studies} studies`,
    `FHIR     ${fhirText(fhir)}`,
    `studies  ${pending} pending, ${failed} failed, ${rejected} with rejected instances`,
    `time     ${seconds} s`,
  ];
}

/** A line of the worker's log (JSON) as a line of words; none for what is so on purpose in a demo. */
export function logLines(json: string): string[] {
  const { level, msg, code, hint } = JSON.parse(json) as Record<string, unknown>;
  if (code === "REDIS_PERSISTENCE") return [];
  return [[`${level}: ${msg}`, code, hint].filter((part) => part !== undefined).join(" · ")];
}

function fhirText({ Patient, ImagingStudy, Endpoint }: Present["fhir"]): string {
  return `${Patient} Patient, ${ImagingStudy} ImagingStudy, ${Endpoint} Endpoint`;
}
