// The studies of the hospital day, as short descriptions.
import { type Patient, type PatientKey, patient, UNIDENTIFIED } from "./patients.ts";
import type { SeriesPlan, StudyPlan } from "./study.ts";
import { seededNumber } from "./uid.ts";

const DATE = "20260302";

const series = (
  number: number,
  modality: SeriesPlan["modality"],
  description: string,
  images: number,
  more: Pick<SeriesPlan, "bodyPart" | "laterality" | "frames"> = {},
): SeriesPlan => ({ number, modality, description, images, ...more });

const chest = { bodyPart: "CHEST" };
const hand = { bodyPart: "HAND", laterality: "L" } as const;

/** The studies of the day by what they are; `report` is a later series of the study `ct`. */
export function dayPlans(seed: string) {
  const plan = (
    key: string,
    of: Patient,
    time: string,
    description: string,
    list: readonly SeriesPlan[],
  ): StudyPlan => ({
    key,
    patient: of,
    date: DATE,
    time,
    description,
    accession: `A${String(seededNumber(seed, `accession ${key}`, 10 ** 8)).padStart(8, "0")}`,
    referrer: "Weiss^Ada^^Dr.",
    series: list,
  });
  const who = (key: PatientKey): Patient => patient(seed, key);
  const { accession: _, ...emergency } = plan("emergency", UNIDENTIFIED, "093000", "Chest, emergency", [
    series(1, "CR", "Chest AP", 1, chest),
  ]);
  return {
    ct: plan("ct", who("german"), "080500", "CT Thorax für Staging", [
      series(1, "CT", "Localizer", 2, chest),
      series(2, "CT", "Thorax 3.0 Weichteile", 28, chest),
      series(3, "CT", "Thorax coronal", 14, chest),
    ]),
    mr: plan("mr", who("japanese"), "083000", "頭部MRI", [
      series(1, "MR", "T1 SE", 10, { bodyPart: "HEAD" }),
      series(2, "MR", "T2 FLAIR", 10, { bodyPart: "HEAD" }),
    ]),
    greekCr: plan("greek cr", who("greek"), "085000", "Ακτινογραφία θώρακος", [
      series(1, "CR", "PA", 1, chest),
      series(2, "CR", "LAT", 1, chest),
    ]),
    phantom: plan(
      "phantom",
      { ...who("polish"), name: "QA^Phantom", id: `QA${DATE}`, birthDate: "", sex: "O" },
      "090000",
      "Daily QA",
      [series(1, "CT", "Water phantom", 4, { bodyPart: "PHANTOM" })],
    ),
    us: plan("us", who("korean"), "091000", "복부 초음파", [
      series(1, "US", "Liver", 2, { bodyPart: "ABDOMEN" }),
      series(2, "US", "Liver cine", 1, { bodyPart: "ABDOMEN", frames: 12 }),
    ]),
    emergency,
    katakana: plan("katakana", who("katakana"), "094500", "胸部X線", [series(1, "CR", "PA", 1, chest)]),
    chinese: plan("chinese", who("chinese"), "100000", "胸部平片", [series(1, "CR", "PA", 1, chest)]),
    polish: plan("polish", who("polish"), "101500", "MR kręgosłupa", [
      series(1, "MR", "T2 sag", 6, { bodyPart: "SPINE" }),
    ]),
    misfiled: plan("misfiled", who("german"), "110000", "Hand links", [series(1, "CR", "Hand AP", 2, hand)]),
    report: plan("ct", who("german"), "080500", "CT Thorax für Staging", [series(90, "SR", "Radiology report", 1)]),
    followUp: plan("follow-up", who("german"), "143000", "CT Thorax/Abdomen, Verlauf", [
      series(1, "CT", "Localizer", 2, chest),
      series(2, "CT", "Arterial", 12, chest),
      series(3, "CT", "Venous", 12, { bodyPart: "ABDOMEN" }),
      series(4, "CT", "Coronal MPR", 8, { bodyPart: "ABDOMEN" }),
    ]),
  };
}
