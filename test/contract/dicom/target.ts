/**
 * The service the protocol battery runs against: `DICOM_CONTRACT_URL` (without version; `DICOM_CONTRACT_TOKEN` as bearer
 * token), or an emulator of its own. It stores a few instances under fresh UIDs and deletes them again.
 *
 * A service without a change feed is another archive (such as Orthanc, whose base is `/dicom-web`): it is held to what DICOMweb says of metadata,
 * files and search; the parts that only Azure's service has are skipped, and the paths have no version. It keeps what was stored.
 */
import { randomBytes } from "node:crypto";
import { describe, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../../emulators/dicom/index.ts";
import { type Dataset, el, personName, writePart10 } from "../../../emulators/samples/index.ts";

export type Entry = {
  sequence: number;
  partitionName: string;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  action: string;
  timestamp: string;
  state: string;
  metadata?: Record<string, { vr: string; Value?: unknown[] }>;
};

export type Target = {
  readonly url: string;
  /** A request below the URL; `Accept: application/dicom+json` unless told otherwise. */
  call(path: string, init?: RequestInit): Promise<Response>;
  json<T>(path: string): Promise<T>;
  stow(files: readonly Uint8Array[], path?: string): Promise<Response>;
  /** v1 entries after `sequence`, read window by window up to the latest. */
  entriesAfter(sequence: number): Promise<Entry[]>;
  latest(): Promise<number>;
  close(): Promise<void>;
};

export function uid(): string {
  return `2.25.${BigInt(`0x${randomBytes(15).toString("hex")}`)}`;
}

export type ImageOptions = {
  study?: string;
  series?: string;
  instance?: string;
  patientId?: string;
  name?: string;
  more?: Dataset;
};

/** A small CT image as a Part 10 file. */
export function image({
  study = uid(),
  series = uid(),
  instance = uid(),
  patientId = "P1",
  name = "Doe^Jane",
  more = {},
}: ImageOptions = {}): Uint8Array {
  return writePart10({
    "00080005": el("CS", "ISO_IR 192"),
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", instance),
    "00080020": el("DA", "20260102"),
    "00080050": el("SH", "A1"),
    "00080060": el("CS", "CT"),
    "00080090": el("PN"),
    "00100010": el("PN", personName(name)),
    "00100020": el("LO", patientId),
    "0020000D": el("UI", study),
    "0020000E": el("UI", series),
    "00200013": el("IS", 1),
    ...more,
  });
}

const given = process.env["DICOM_CONTRACT_URL"]?.replace(/\/$/, "");
const token = process.env["DICOM_CONTRACT_TOKEN"];
const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

async function hasChangeFeed(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/v1/changefeed/latest?includeMetadata=false`, { headers: authorization });
  return answer.status === 204 || (answer.status === 200 && /json/.test(answer.headers.get("content-type") ?? ""));
}

export const isAzure = given === undefined || (await hasChangeFeed(given));
if (!isAzure) console.log("skipped: what only Azure's DICOM service has (the service given has no /v1/changefeed)");
export const onlyAzure = (isAzure ? test : test.skip) as typeof test;
export const describeAzure = (isAzure ? describe : describe.skip) as typeof describe;

export async function openTarget(): Promise<Target> {
  const emulator: DicomEmulator | undefined = given === undefined ? await startDicomEmulator() : undefined;
  const url = given ?? emulator?.url ?? "";

  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("accept")) headers.set("accept", "application/dicom+json, application/json");
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return fetch(url + (isAzure ? path : path.replace(/^\/v\d/, "")), { ...init, headers });
  }

  async function json<T>(path: string): Promise<T> {
    const response = await call(path);
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  }

  async function latest(): Promise<number> {
    const response = await call("/v1/changefeed/latest?includeMetadata=false");
    return response.status === 204 ? 0 : ((await response.json()) as Entry).sequence;
  }

  return {
    ...{ url, call, json, latest },
    async stow(files, path = "/v2/studies") {
      const boundary = "b0undary";
      const parts = files.flatMap((bytes) => [
        Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
        bytes,
        Buffer.from("\r\n"),
      ]);
      const body = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
      const type = `multipart/related; type="application/dicom"; boundary=${boundary}`;
      return call(path, { method: "POST", body, headers: { "content-type": type } });
    },
    async entriesAfter(sequence) {
      const end = await latest();
      const entries: Entry[] = [];
      for (let at = sequence; at < end; at += 100)
        entries.push(...(await json<Entry[]>(`/v1/changefeed?offset=${at}&limit=100`)));
      return entries;
    },
    close: async () => emulator?.close(),
  };
}
