/** What all requests to one DICOM service share: addresses, credential, time-outs, classes of failure. */
import type { Dispatcher } from "undici";
import type { Authorize } from "../auth/index.ts";
import { StudycastError } from "../errors.ts";
import { type Answer, type FailureCodes, get } from "../get.ts";
import { parseForeignJson } from "../json-weight.ts";
import { parseStudyId, type StudyId } from "../study.ts";
import { type AlikeReader, createAlikeReader } from "./alike-datasets.ts";
import { STUDY_UID_TAG } from "./metadata.ts";
import { createDatasetParser, type DatasetParser, parseWhole } from "./pick-elements.ts";

export type DicomClientOptions = {
  /** Root of the service, without a version. */
  url: string;
  authorize?: Authorize | undefined;
  dispatcher?: Dispatcher | undefined;
  /** Until the headers of an answer have come. */
  requestTimeoutMs: number;
  /** Longest pause inside a body. */
  idleTimeoutMs: number;
  /** Whether the service has data partitions: the addresses of its studies then name one. */
  partitions: boolean;
  /** An instance whose metadata are larger is reported as unreadable. */
  maxInstanceBytes: number;
  /** A study with more instances is not read: all of them are in memory at the end. Undefined: no limit. */
  maxStudyInstances?: number | undefined;
  /** A study with more bytes of metadata, unzipped, is not read. Undefined: no limit. */
  maxStudyBytes?: number | undefined;
  /** Longest reading of a study's metadata in one answer. Undefined: no limit. */
  studyTimeoutMs?: number | undefined;
  /** Tags of the elements that readers of studies are handed (eight hexadecimal digits); the others are not even parsed. Undefined: all. */
  elements?: Iterable<string> | undefined;
};

export type Site = {
  options: DicomClientOptions;
  parseDataset: DatasetParser;
  /** For one answer: it remembers what it has read. Undefined when all elements are wanted. */
  alikeReader(): AlikeReader | undefined;
  /** Below the API's version, such as `/partitions`. */
  address(path: string): string;
  studyAddress(study: StudyId): string;
  partitionAddress(partition: string): string;
  /** @throws StudycastError DICOM_UNAVAILABLE, DICOM_THROTTLED, DICOM_UNAUTHORIZED, AUTH_FAILED, ABORTED */
  get(url: string, signal: AbortSignal): Promise<Answer>;
};

const CODES: FailureCodes = {
  unavailable: "DICOM_UNAVAILABLE",
  throttled: "DICOM_THROTTLED",
  unauthorized: "DICOM_UNAUTHORIZED",
  certificate: "DICOM_CERTIFICATE",
  response: "DICOM_RESPONSE",
};

/** Without an Accept header the service answers 406. */
const DICOM_JSON = "application/dicom+json";

export function createSite(options: DicomClientOptions): Site {
  const tags = options.elements && [...options.elements, STUDY_UID_TAG];
  const partitionAddress = (partition: string) => retrieveUrl(options.url, partition, options.partitions);
  return {
    options,
    parseDataset: tags ? createDatasetParser(tags) : parseWhole,
    alikeReader: () => tags && createAlikeReader(tags),
    address: (path) => `${withoutSlash(options.url)}/v2${path}`,
    partitionAddress,
    studyAddress(study) {
      const { partition, studyInstanceUid } = parseStudyId(study);
      return `${partitionAddress(partition)}/studies/${encodeURIComponent(studyInstanceUid)}`;
    },
    get: (url, signal) =>
      get(url, DICOM_JSON, { ...options, bodyTimeoutMs: options.studyTimeoutMs, codes: CODES }, signal),
  };
}

/** The base address of DICOMweb in a partition, for Endpoint.address: no slash at its end, no `/studies` (FHIR R4 Endpoint, DICOM PS3.18 §8.2). */
export function retrieveUrl(publicUrl: string, partition: string, partitionsEnabled: boolean): string {
  const version = `${withoutSlash(publicUrl)}/v2`;
  return partitionsEnabled ? `${version}/partitions/${encodeURIComponent(partition)}` : version;
}

/** Throws the error for a status the request has no use for. */
export async function refuse(answer: Answer): Promise<never> {
  await answer.discard();
  const { status } = answer;
  throw new StudycastError(status >= 400 ? "DICOM_REFUSED" : "DICOM_RESPONSE", { status });
}

/** @throws StudycastError DICOM_RESPONSE when the body is not a JSON array */
export function jsonArray(bytes: Buffer): unknown[] {
  let json: unknown;
  try {
    json = parseForeignJson(bytes);
  } catch (cause) {
    throw new StudycastError("DICOM_RESPONSE", { what: "no JSON" }, { cause });
  }
  if (!Array.isArray(json)) throw new StudycastError("DICOM_RESPONSE", { what: "no array" });
  return json;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
