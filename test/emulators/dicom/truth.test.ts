import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../../emulators/dicom/index.ts";
import { haveRealFiles, realFiles, truthFile } from "./files.ts";

type Name = { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
type Json = Record<string, { vr: string; Value?: unknown[] } | undefined>;
type Study = { patientIds: string[]; patientNames: string[]; modalities: string[]; series: Record<string, string[]> };
type Truth = {
  stored: number;
  studies: number;
  refused: { file: string; why: string }[];
  byStudy: Record<string, Study>;
};

/** The real files by an independent reader (pydicom) and the same store rules. */
const truth = haveRealFiles ? (JSON.parse(readFileSync(truthFile, "utf8")) as Truth) : undefined;

(truth ? describe : describe.skip)("real files of every transfer syntax and character set", () => {
  let emulator: DicomEmulator;
  beforeAll(async () => {
    emulator = await startDicomEmulator({ load: realFiles });
  });
  afterAll(() => emulator.close());

  test("what must be stored is stored, the rest is refused for the right reason", () => {
    const refused = emulator.loaded
      .filter(({ outcome }) => !outcome.stored)
      .map(({ file, outcome }) => ({ file, why: reason(outcome) }));
    expect(refused).toEqual(truth?.refused);
    expect(emulator.loaded.length - refused.length).toBe(truth?.stored);
  });

  test("every study has the right series, instances, patient IDs, names and modalities", async () => {
    const studies = new Map<string, Study>();
    for (let offset = 0; ; offset += 200) {
      const response = await fetch(`${emulator.url}/v2/studies?limit=200&offset=${offset}`);
      if (response.status === 204) break;
      for (const item of (await response.json()) as Json[]) {
        const uid = String(item["0020000D"]?.Value?.[0]);
        const metadata = (await (await fetch(`${emulator.url}/v2/studies/${uid}/metadata`)).json()) as Json[];
        studies.set(uid, summary(metadata));
      }
    }
    expect(studies.size).toBe(truth?.studies);
    const expected = Object.entries(truth?.byStudy ?? {}).map(([uid, study]) => [uid, ordered(study)] as const);
    expect(Object.fromEntries(studies)).toEqual(Object.fromEntries(expected));
  });
});

/** Our sentences in the words of the truth file. */
function reason(outcome: DicomEmulator["loaded"][number]["outcome"]): string {
  if (outcome.stored) return "stored";
  const { code, errors } = outcome.failure;
  if (code === 272) return "not Part 10";
  if (code === 45070) return "instance exists";
  const named = (tag: string) => errors.some((error) => error.includes(tag));
  const uids = { study: "(0020,000d)", series: "(0020,000e)", sop: "(0008,0018)", class: "(0008,0016)" };
  const missing = Object.entries(uids)
    .filter(([, tag]) => named(tag))
    .map(([name]) => name);
  if (missing.length > 0) return `no legal uid: ${missing.join(",")}`;
  return named("(0010,0020)") ? "no PatientID element" : errors.join(" ");
}

function summary(metadata: readonly Json[]): Study {
  const study: Study = { patientIds: [], patientNames: [], modalities: [], series: {} };
  for (const item of metadata) {
    const series = String(item["0020000E"]?.Value?.[0]);
    study.series[series] = [...(study.series[series] ?? []), String(item["00080018"]?.Value?.[0])];
    study.patientIds.push(...texts(item["00100020"]?.Value?.[0]));
    study.modalities.push(...texts(item["00080060"]?.Value?.[0]));
    const name = item["00100010"]?.Value?.[0] as Name | undefined;
    if (name)
      study.patientNames.push(
        [name.Alphabetic, name.Ideographic, name.Phonetic]
          .map((group) => group ?? "")
          .join("=")
          .replace(/=+$/, ""),
      );
  }
  return ordered(study);
}

/** Trailing NULs and spaces, which the service keeps, are no part of the truth. */
function texts(value: unknown): string[] {
  const text = typeof value === "string" ? value.replace(/[\0 ]+$/, "") : "";
  return text === "" ? [] : [text];
}

function ordered({ patientIds, patientNames, modalities, series }: Study): Study {
  const unique = (values: string[]) => [...new Set(values)].sort();
  const lists = Object.entries(series).map(([uid, instances]) => [uid, instances.toSorted()]);
  return {
    patientIds: unique(patientIds),
    patientNames: unique(patientNames),
    modalities: unique(modalities),
    series: Object.fromEntries(lists),
  };
}
