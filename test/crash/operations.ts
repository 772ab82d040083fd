/** What changes in the DICOM service, one study per run: prepared, synced, then changed. The same calls on two stacks of one seed give the same content. */
import type { ImagingStudy } from "fhir/r4";
import { type Dataset, el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { DEFAULT_PARTITION, studyId } from "../../src/study.ts";
import type { Stack } from "../e2e/stack.ts";

export type Operation = {
  name: string;
  /** `absent`: the change comes while no worker runs, so that the points of the start are in the run as well. */
  worker: "running" | "absent";
  /** Brings the study of this run to where the change begins; synced before the change. */
  prepare(stack: Stack, run: string): Promise<void> | void;
  change(stack: Stack, run: string): Promise<void> | void;
  /** The FHIR server's answer to the first transaction after the change, on the disturbed side. */
  failOnce?: number;
};

export const OPERATIONS: readonly Operation[] = [
  { name: "create", worker: "running", prepare: () => {}, change: storeTwo },
  {
    name: "update",
    worker: "running",
    prepare: storeTwo,
    change: (stack, run) => bulkUpdate(stack, run, { "00081030": el("LO", "corrected"), "00100040": el("CS", "F") }),
  },
  {
    name: "grow",
    worker: "running",
    prepare: storeTwo,
    change: (stack, run) => void stack.dicom.store(image(stack, run, 3)),
  },
  { name: "delete", worker: "running", prepare: storeTwo, change: remove },
  {
    name: "move",
    worker: "running",
    prepare: storeTwo,
    change: (stack, run) =>
      bulkUpdate(stack, run, {
        "00100010": el("PN", personName("Right^Person")),
        "00100020": el("LO", `${run}-right`),
      }),
  },
  { name: "request", worker: "running", prepare: storeTwo, change: askForStudy },
  { name: "trouble", worker: "running", prepare: storeTwo, change: describeAnew, failOnce: 503 },
  { name: "conflict", worker: "running", prepare: storeTwo, change: describeAnew, failOnce: 412 },
  { name: "start", worker: "absent", prepare: () => {}, change: storeTwo },
];

export const studyUid = ({ seed }: Stack, run: string): string => seededUid(seed, run);

function image({ seed }: Stack, run: string, number: number): Uint8Array {
  const series = `${run} ${number % 2}`;
  return writePart10({
    "00080005": el("CS", "ISO_IR 192"),
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid(seed, `${series} ${number}`)),
    "00080020": el("DA", "20260302"),
    "00080050": el("SH", `${run}-acc`),
    "00080060": el("CS", "CT"),
    "00081030": el("LO", "as acquired"),
    "00100010": el("PN", personName("First^Person")),
    "00100020": el("LO", `${run}-first`),
    "0020000D": el("UI", seededUid(seed, run)),
    "0020000E": el("UI", seededUid(seed, series)),
    "00200013": el("IS", number),
  });
}

function storeTwo(stack: Stack, run: string): void {
  for (const number of [1, 2]) if (!stack.dicom.store(image(stack, run, number)).stored) throw new Error("not stored");
}

function describeAnew(stack: Stack, run: string): Promise<void> {
  return bulkUpdate(stack, run, { "00081030": el("LO", "corrected") });
}

async function remove(stack: Stack, run: string): Promise<void> {
  const answer = await fetch(`${stack.dicom.url}/v2/studies/${studyUid(stack, run)}`, { method: "DELETE" });
  if (answer.status !== 204) throw new Error(`DELETE: ${answer.status}`);
}

async function bulkUpdate(stack: Stack, run: string, changeDataset: Dataset): Promise<void> {
  const url = `${stack.dicom.url}/v2`;
  const asked = await fetch(`${url}/studies/$bulkUpdate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ studyInstanceUids: [studyUid(stack, run)], changeDataset }),
  });
  const { id } = (await asked.json()) as { id: string };
  while ((await fetch(`${url}/operations/${id}`)).status === 202);
}

/** FHIR has been changed by a hand that should not have; an operator has the study synced again. */
async function askForStudy(stack: Stack, run: string): Promise<void> {
  const uid = studyUid(stack, run);
  const study = (await stack.fhir.studies()).find(({ identifier }) =>
    identifier?.some(({ value }) => value === `urn:oid:${uid}`),
  );
  if (study === undefined) throw new Error("the study is not there");
  await stack.fhir.put({ ...study, description: "by another hand", numberOfInstances: 7 } as ImagingStudy);
  await stack.state.addRequest({ kind: "study", studies: [studyId(DEFAULT_PARTITION, uid)], confirmDeletes: false });
}
