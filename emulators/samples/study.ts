// Datasets of whole studies from short descriptions: what the modalities of the hospital day send.
import { type Dataset, el, personName } from "./dataset.ts";
import { type Patient, patientModule } from "./patients.ts";
import { greyPixels, rleFrames } from "./pixels.ts";
import { reportContent } from "./report.ts";
import { seededUid } from "./uid.ts";

export type SeriesPlan = {
  number: number;
  modality: "CT" | "MR" | "CR" | "US" | "SR";
  description: string;
  images: number;
  /** Defined term of Body Part Examined (0018,0015), PS3.16 Annex L. */
  bodyPart?: string;
  laterality?: "L" | "R";
  /** Frames of each image; more than one makes it a multi-frame object in RLE Lossless. */
  frames?: number;
};

export type StudyPlan = {
  /** Names the study within the day; with the seed it gives all its UIDs. */
  key: string;
  patient: Patient;
  /** `YYYYMMDD` and `HHMMSS`, local time of the hospital (+0100). */
  date: string;
  time: string;
  description: string;
  accession?: string;
  referrer?: string;
  series: readonly SeriesPlan[];
};

const SOP_CLASS = {
  CT: "1.2.840.10008.5.1.4.1.1.2",
  MR: "1.2.840.10008.5.1.4.1.1.4",
  CR: "1.2.840.10008.5.1.4.1.1.1",
  US: "1.2.840.10008.5.1.4.1.1.6.1",
  SR: "1.2.840.10008.5.1.4.1.1.88.22",
} as const;
const US_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1";

const MODEL = { CT: "Volume 64", MR: "Field 3T", CR: "Plate 35", US: "Wave 9", SR: "Dictate" } as const;
const SLICE_MM = { CT: 3, MR: 4, CR: 0, US: 0, SR: 0 } as const;

export const studyUid = (seed: string, plan: StudyPlan): string => seededUid(seed, plan.key);
export const seriesUid = (seed: string, plan: StudyPlan, number: number): string =>
  seededUid(seed, `${plan.key} series ${number}`);
export const imageUid = (seed: string, plan: StudyPlan, series: number, image: number): string =>
  seededUid(seed, `${plan.key} series ${series} image ${image}`);

/** Seconds after the study's start, as TM. */
function later(time: string, seconds: number): string {
  const start = Number(time.slice(0, 2)) * 3600 + Number(time.slice(2, 4)) * 60 + Number(time.slice(4, 6)) + seconds;
  return [Math.floor(start / 3600), Math.floor(start / 60) % 60, start % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join("");
}

function studyModule(seed: string, plan: StudyPlan): Dataset {
  return {
    "00080005": el("CS", ...plan.patient.charsets.map((set) => (set === "" ? null : set))),
    "00080020": el("DA", plan.date),
    "00080030": el("TM", plan.time),
    "00080050": plan.accession === undefined ? el("SH") : el("SH", plan.accession),
    "00080080": el("LO", "Example Hospital"),
    "00080090": plan.referrer === undefined ? el("PN") : el("PN", personName(plan.referrer)),
    "00080201": el("SH", "+0100"),
    "00081030": el("LO", plan.description),
    ...patientModule(plan.patient),
    "0020000D": el("UI", studyUid(seed, plan)),
    "00200010": el("SH", plan.time),
  };
}

function seriesModule(seed: string, plan: StudyPlan, series: SeriesPlan): Dataset {
  const start = later(plan.time, series.number * 60);
  return {
    "00080021": el("DA", plan.date),
    "00080031": el("TM", start),
    "00080060": el("CS", series.modality),
    "00080070": el("LO", "Example Imaging"),
    "0008103E": el("LO", series.description),
    "00081090": el("LO", MODEL[series.modality]),
    ...(series.bodyPart === undefined ? {} : { "00180015": el("CS", series.bodyPart) }),
    "00185100": el("CS", "HFS"),
    "0020000E": el("UI", seriesUid(seed, plan, series.number)),
    "00200011": el("IS", series.number),
    ...(series.laterality === undefined ? {} : { "00200060": el("CS", series.laterality) }),
    "00400244": el("DA", plan.date),
    "00400245": el("TM", start),
  };
}

function imageModule(seed: string, plan: StudyPlan, series: SeriesPlan, image: number): Dataset {
  const frames = series.frames ?? 1;
  const uid = imageUid(seed, plan, series.number, image);
  const taken = later(plan.time, series.number * 60 + image);
  const common: Dataset = {
    "00080008": el("CS", "ORIGINAL", "PRIMARY"),
    "00080016": el("UI", frames > 1 ? US_MULTI_FRAME : SOP_CLASS[series.modality]),
    "00080018": el("UI", uid),
    "00080023": el("DA", plan.date),
    "00080033": el("TM", taken),
    "00200013": el("IS", image),
  };
  if (series.modality === "SR") return { ...common, ...reportContent(plan) };
  const picture: Dataset = { ...common, "00080022": el("DA", plan.date), "00080032": el("TM", taken) };
  if (frames > 1) return { ...picture, "00181063": el("DS", 40), ...rleFrames(16, frames) };
  const step = SLICE_MM[series.modality];
  const slice: Dataset =
    step === 0
      ? {}
      : {
          "00180050": el("DS", step),
          "00200032": el("DS", -180, -180, image * step),
          "00200037": el("DS", 1, 0, 0, 0, 1, 0),
          "00200052": el("UI", seededUid(seed, `${plan.key} frame of reference`)),
          "00201041": el("DS", image * step),
          "00280030": el("DS", 0.5, 0.5),
        };
  return { ...picture, ...slice, ...greyPixels(16, step === 0 ? 8 : 12, image) };
}

/** All instances of a study in acquisition order; the same seed and plan give the same datasets. */
export function studyInstances(seed: string, plan: StudyPlan): Dataset[] {
  const study = studyModule(seed, plan);
  return plan.series.flatMap((series) =>
    Array.from({ length: series.images }, (_, i) => ({
      ...study,
      ...seriesModule(seed, plan, series),
      ...imageModule(seed, plan, series, i + 1),
    })),
  );
}
