// The people of the hospital day: one per character set that hospitals send, all invented.
import { type Dataset, el, personName } from "./dataset.ts";
import { seededNumber } from "./uid.ts";

export type Patient = {
  /** (0008,0005); its sets must hold every text of the patient's studies. */
  charsets: readonly string[];
  /** DICOM PN text, groups by `=`. Empty: not known. */
  name: string;
  /** Empty: the patient is not identified; the element is sent without a value (type 2). */
  id: string;
  issuer: string;
  birthDate: string;
  sex: "F" | "M" | "O" | "";
};

/** Issuers of Patient ID (0010,0021) of the hospital day, with the identifier system each stands for. */
export const ISSUER_SYSTEMS = {
  "HOSPITAL-A": "urn:example:hospital-a:patient-id",
  "CLINIC-B": "urn:example:clinic-b:patient-id",
} as const;

type Row = readonly [
  charsets: readonly string[],
  name: string,
  issuer: keyof typeof ISSUER_SYSTEMS,
  birthDate: string,
  sex: Patient["sex"],
];

const ROWS = {
  german: [["ISO_IR 100"], "Müller^Jürgen^^Dr.", "HOSPITAL-A", "19580412", "M"],
  japanese: [["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "HOSPITAL-A", "19710923", "M"],
  katakana: [["ISO 2022 IR 13", "ISO 2022 IR 87"], "ｻﾄｳ^ﾊﾅｺ=佐藤^花子=さとう^はなこ", "HOSPITAL-A", "19850301", "F"],
  greek: [["ISO_IR 126"], "Παπαδοπούλου^Ελένη", "HOSPITAL-A", "19640617", "F"],
  korean: [["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "CLINIC-B", "19900815", "M"],
  chinese: [["GB18030"], "Wang^XiaoDong=王^小东", "CLINIC-B", "20040229", "M"],
  polish: [["ISO_IR 192"], "Łukasiewicz^Święta", "HOSPITAL-A", "19491111", "F"],
} as const satisfies Record<string, Row>;

export type PatientKey = keyof typeof ROWS;

/** Their IDs are computed from the seed, so that two days in one service do not mix people. */
export function patient(seed: string, key: PatientKey): Patient {
  const [charsets, name, issuer, birthDate, sex] = ROWS[key];
  const id = `P${String(seededNumber(seed, `patient ${key}`, 10_000_000)).padStart(7, "0")}`;
  return { charsets, name, id, issuer, birthDate, sex };
}

/** An unconscious person in the emergency room: nothing known yet. */
export const UNIDENTIFIED: Patient = { charsets: ["ISO_IR 192"], name: "", id: "", issuer: "", birthDate: "", sex: "" };

/** Patient module (PS3.3 C.7.1.1); type 2 elements without a value where nothing is known. */
export function patientModule(of: Patient): Dataset {
  const some = (vr: string, value: string) => (value === "" ? el(vr) : el(vr, value));
  return {
    "00100010": of.name === "" ? el("PN") : el("PN", personName(of.name)),
    "00100020": some("LO", of.id),
    ...(of.issuer === "" ? {} : { "00100021": el("LO", of.issuer) }),
    "00100030": some("DA", of.birthDate),
    "00100040": some("CS", of.sex),
  };
}
