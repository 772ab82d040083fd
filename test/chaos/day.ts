/**
 * A random day in a DICOM service: images that arrive, arrive again after a deletion, change, move to another patient, leave. Which and when is a pure
 * function of the seed. A step that the service refuses (its study is gone, an image is held back) is left out: what counts is what the service holds.
 */
import type { DicomEmulator } from "../../emulators/dicom/index.ts";
import { type Dataset, el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { type Draw, drawFrom } from "./draw.ts";

export const DAY_MS = 2600;

export type DayStep = { atMs: number } & (
  | { kind: "store" | "delete-image"; study: number; series: number; image: number; patient: number }
  | { kind: "delete-study" | "delete-series" | "update" | "move"; study: number; series: number; patient: number }
);

const STUDIES = 14;
const SERIES = 2;
const IMAGES = 4;
const PATIENTS = 6;

/** All steps by time. Studies arrive at several rates: an image every few milliseconds, or one now and then. */
export function planDay(seed: number): DayStep[] {
  const draw = drawFrom(seed, "day");
  const steps: DayStep[] = [];
  const studies = draw.between(8, STUDIES);
  for (let study = 0; study < studies; study++) steps.push(...planStudy(draw, study));
  return steps.sort((a, b) => a.atMs - b.atMs);
}

function planStudy(draw: Draw, study: number): DayStep[] {
  const patient = draw.below(PATIENTS);
  const pauseMs = draw.pick([2, 20, 150, 500]);
  const steps: DayStep[] = [];
  let atMs = draw.below(DAY_MS * 0.7);
  const images = draw.between(1, SERIES * IMAGES);
  for (let image = 0; image < images; image++) {
    steps.push({ kind: "store", atMs, study, series: image % SERIES, image, patient });
    atMs += draw.below(pauseMs * 2);
  }
  for (let changes = draw.below(5); changes > 0 && atMs < DAY_MS; changes--) {
    atMs += draw.pick([0, 5, 100, 400]);
    const series = draw.below(SERIES);
    const image = draw.below(images);
    const kind = draw.pick(["store", "update", "move", "delete-image", "delete-series", "delete-study"] as const);
    if (kind === "store" || kind === "delete-image")
      steps.push({ kind, atMs, study, series: image % SERIES, image, patient });
    else steps.push({ kind, atMs, study, series, patient: draw.below(PATIENTS) });
  }
  return steps;
}

export type Day = { run: string; dicom: DicomEmulator };

export const studyUid = (run: string, study: number): string => seededUid(run, `study ${study}`);
const seriesUid = (run: string, study: number, series: number) => seededUid(run, `study ${study} series ${series}`);
export const imageUid = (run: string, study: number, image: number) => seededUid(run, `study ${study} image ${image}`);
export const patientId = (run: string, patient: number): string => `${run}-p${patient}`;

/** Carries out one step; resolves when the service has answered. */
export async function playStep({ run, dicom }: Day, step: DayStep): Promise<void> {
  const study = `${dicom.url}/v2/studies/${studyUid(run, step.study)}`;
  const series = `${study}/series/${seriesUid(run, step.study, step.series)}`;
  switch (step.kind) {
    case "store":
      dicom.store(imageFile(run, step));
      return;
    case "delete-image":
      return void (await fetch(`${series}/instances/${imageUid(run, step.study, step.image)}`, { method: "DELETE" }));
    case "delete-series":
      return void (await fetch(series, { method: "DELETE" }));
    case "delete-study":
      return void (await fetch(study, { method: "DELETE" }));
    case "move":
      return update(dicom.url, studyUid(run, step.study), person(run, step.patient));
    case "update":
      return update(dicom.url, studyUid(run, step.study), {
        "00081030": el("LO", `description ${step.atMs}`),
        "00080050": el("SH", `A${step.atMs}`),
      });
  }
}

/** Demographics are a function of the patient: which of its studies names a Patient must not matter here. */
function person(run: string, patient: number): Dataset {
  return {
    "00100010": el("PN", personName(`Family${patient}^Given${patient}`)),
    "00100020": el("LO", patientId(run, patient)),
    "00100030": el("DA", `19${50 + patient}0101`),
    "00100040": el("CS", patient % 2 === 0 ? "F" : "M"),
  };
}

function imageFile(run: string, step: Extract<DayStep, { kind: "store" | "delete-image" }>): Uint8Array {
  return writePart10({
    "00080005": el("CS", "ISO_IR 192"),
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", imageUid(run, step.study, step.image)),
    "00080020": el("DA", `202603${String(1 + step.study).padStart(2, "0")}`),
    "00080030": el("TM", "101500"),
    "00080060": el("CS", "CT"),
    "00081030": el("LO", `study ${step.study}`),
    ...person(run, step.patient),
    "0020000D": el("UI", studyUid(run, step.study)),
    "0020000E": el("UI", seriesUid(run, step.study, step.series)),
    "00200013": el("IS", step.image + 1),
  });
}

/** One bulk update at a time: the service refuses a second one with 409. */
async function update(url: string, study: string, changeDataset: Dataset): Promise<void> {
  const body = JSON.stringify({ studyInstanceUids: [study], changeDataset });
  const headers = { "content-type": "application/json" };
  for (let tries = 0; tries < 20; tries++) {
    const answer = await fetch(`${url}/v2/studies/$bulkUpdate`, { method: "POST", headers, body });
    await answer.body?.cancel();
    if (answer.status !== 409) return;
  }
}
