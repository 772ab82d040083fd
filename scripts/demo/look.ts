/** Looks at what stands in the DICOM service, in Redis and in the FHIR server. Every count of the demo comes from here. */
import type { FhirEmulator } from "../../emulators/fhir/index.ts";
import { parseCheckpoint } from "../../src/changefeed/index.ts";
import { type ErrorCode, errorRow } from "../../src/errors.ts";
import { closeRedis, createRedis, type RedisAddress } from "../../src/redis/index.ts";
import { createState, type StateOptions } from "../../src/state/index.ts";

export type Present = {
  /** Last sequence of the feed, and up to which one the worker has read. */
  latest: number;
  scan: number;
  pending: number;
  failed: number;
  /** Studies whose last sync left instances out. */
  rejected: number;
  fhir: { Patient: number; ImagingStudy: number; Endpoint: number };
  /** `synced`: the feed is read to its end and nothing is pending. `waiting`: so it is, but for studies that wait for a person. */
  state: "working" | "synced" | "waiting";
};

export type Look = {
  /** @throws StudycastError of service redis; TypeError when the DICOM service does not answer */
  now(): Promise<Present>;
  /** Studies the DICOM service holds (QIDO-RS). */
  studies(): Promise<number>;
  close(): void;
};

type Services = { address: RedisAddress; state: StateOptions; dicomUrl: string; fhir: FhirEmulator };

const PAGE = 200;

export function createLook({ address, state: options, dicomUrl, fhir }: Services): Look {
  const redis = createRedis({ address, name: "demo", kind: "prompt" });
  const state = createState(redis, options);
  return {
    async now() {
      // In this order: what is in the feed before the look is either read and marked, or seen as unread.
      const latest = await latestSequence(dicomUrl);
      const position = await readTo(state);
      const counts = await state.counts();
      const isRead = position.scan >= latest && position.unread === 0;
      const count = (type: string) => fhir.resources(type).length;
      return {
        latest,
        scan: position.scan,
        pending: counts.pending,
        failed: counts.failed,
        rejected: counts.rejected,
        fhir: { Patient: count("Patient"), ImagingStudy: count("ImagingStudy"), Endpoint: count("Endpoint") },
        state: isRead ? (counts.pending === 0 ? "synced" : waitsForPerson(counts)) : "working",
      };
    },
    studies: () => countStudies(dicomUrl),
    close: () => closeRedis(redis),
  };
}

function waitsForPerson({ pending, waiting }: { pending: number; waiting: Partial<Record<ErrorCode, number>> }) {
  const rows = Object.entries(waiting) as [ErrorCode, number][];
  const count = rows.filter(([code]) => errorRow(code).class === "waiting").reduce((sum, [, n]) => sum + n, 0);
  return count === pending ? "waiting" : "working";
}

/** How far the open range has been read, and how many sequences of the others and of holes are still to be read. */
async function readTo(state: ReturnType<typeof createState>): Promise<{ scan: number; unread: number }> {
  const stored = await state.checkpoint();
  if (stored.kind === "none") return { scan: 0, unread: 0 };
  const { ranges } = parseCheckpoint(stored.text);
  const due = ranges.filter(({ notBefore }) => notBefore === undefined); // the late read of an expired hole comes hours later
  return {
    scan: due.find(({ to }) => to === null)?.scan ?? 0,
    unread: due.reduce((sum, { to, scan, holes }) => sum + (to === null ? 0 : to - scan) + holes.length, 0),
  };
}

async function latestSequence(dicomUrl: string): Promise<number> {
  const response = await fetch(`${dicomUrl}/v1/changefeed/latest?includeMetadata=false`);
  const text = await response.text();
  if (!response.ok || text === "") return 0;
  const entry: unknown = JSON.parse(text);
  const found =
    typeof entry === "object" && entry !== null
      ? Object.entries(entry).find(([name]) => name.toLowerCase() === "sequence")
      : undefined;
  return Number(found?.[1] ?? 0);
}

async function countStudies(dicomUrl: string): Promise<number> {
  for (let count = 0; ; ) {
    const response = await fetch(`${dicomUrl}/v2/studies?limit=${PAGE}&offset=${count}`, {
      headers: { accept: "application/dicom+json" },
    });
    const text = await response.text();
    const page: unknown = response.status === 204 || text === "" ? [] : JSON.parse(text);
    const length = Array.isArray(page) ? page.length : 0;
    count += length;
    if (length < PAGE) return count;
  }
}
