// Turns the CT table into DICOM JSON text quickly: the text between the varying values is made once, and the values of study
// and series are merged into it once per series, so that one image costs a dozen string pieces.
import { CT_ROWS, type Row } from "./synthetic-ct.ts";
import { firstImageOf, type Place, type Shape, seriesOf, uidOf } from "./synthetic-layout.ts";

/** `literals` has one piece more than `slots`: literal, slot, literal, … literal. */
type Template = { literals: readonly string[]; slots: readonly string[] };
type Values = Readonly<Record<string, string>>;

/** The service's JSON encoder escapes these and everything beyond ASCII (contract §7). */
function escaped(text: string): string {
  return text.replace(
    /[+<>&'\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

function datasetOf(rows: readonly Row[]): Record<string, unknown> {
  return Object.fromEntries(
    rows.map(([tag, vr, ...values]) => {
      if (values.length === 0) return [tag, { vr }];
      const json = values.map((value) => {
        if (typeof value === "object") return datasetOf(value);
        return vr === "PN" ? { Alphabetic: value } : value;
      });
      return [tag, { vr, Value: json }];
    }),
  );
}

function templateOf(rows: readonly Row[]): Template {
  // Two groups in the pattern: the pieces come in threes (literal, number slot, text slot), one of the slots undefined.
  const pieces = escaped(JSON.stringify(datasetOf(rows))).split(/"@n\{(\w+)\}"|@\{(\w+)\}/);
  const literals = pieces.filter((_, i) => i % 3 === 0);
  const slots = Array.from({ length: literals.length - 1 }, (_, i) => pieces[3 * i + 1] ?? pieces[3 * i + 2] ?? "");
  return { literals, slots };
}

/** Merges known values into the literals; the other slots stay. */
function bind(template: Template, values: Values): Template {
  const literals = [template.literals[0] ?? ""];
  const slots: string[] = [];
  template.slots.forEach((slot, i) => {
    const next = template.literals[i + 1] ?? "";
    const value = values[slot];
    if (value === undefined) {
      slots.push(slot);
      literals.push(next);
    } else {
      literals[literals.length - 1] += value + next;
    }
  });
  return { literals, slots };
}

function render(template: Template, values: Values): string {
  let text = template.literals[0] ?? "";
  for (let i = 0; i < template.slots.length; i += 1) {
    text += values[template.slots[i] ?? ""];
    text += template.literals[i + 1];
  }
  return text;
}

const FAMILY = ["Müller", "Schmidt", "Nováková", "García", "Rossi", "Dubois", "Jansen", "Kowalski", "Öztürk", "Smith"];
const GIVEN = ["Anna", "Jürgen", "Eva", "José", "Marta", "Luc", "Sanne", "Piotr", "Ayşe", "John"];
const STUDIES = ["CT Chest", "CT Chest with contrast", "CT Abdomen", "CT Thorax/Abdomen", "CT Pulmonary angiography"];
const SERIES = ["Topogram", "Thorax 1.0 B30f", "Thorax 1.0 B70f", "Thorax cor 3.0", "Thorax sag 3.0", "MIP 8.0"];

const two = (n: number): string => String(n).padStart(2, "0");
const pick = (list: readonly string[], n: number): string => list[n % list.length] ?? "";

/** Seconds after midnight as TM with six fraction digits. */
function tm(seconds: number, micros = 0): string {
  const s = seconds % 86_400;
  const clock = `${two(Math.floor(s / 3600))}${two(Math.floor(s / 60) % 60)}${two(s % 60)}`;
  return `${clock}.${String(micros).padStart(6, "0")}`;
}

/** About two studies per patient; study dates run from 2020 on, 200 studies a day. */
function studyValues(study: number): Values {
  const person = Math.floor(study / 2);
  const day = new Date(Date.UTC(2020, 0, 1 + (Math.floor(study / 200) % 2000)));
  const born = 1930 + ((person * 37) % 80);
  return {
    studyUid: uidOf("study", study),
    frameUid: uidOf("frameOfReference", study),
    date: `${day.getUTCFullYear()}${two(day.getUTCMonth() + 1)}${two(day.getUTCDate())}`,
    studyTime: tm(7 * 3600 + (study % 200) * 200),
    accession: `S${String(study).padStart(9, "0")}`,
    studyId: String(100_000 + study),
    studyDescription: pick(STUDIES, study),
    protocol: `Thorax_Routine_${1 + (study % 4)}`,
    patientName: escaped(`${pick(FAMILY, person)}^${pick(GIVEN, person * 7 + Math.floor(person / 10))}`),
    patientId: `SYN${String(person).padStart(9, "0")}`,
    birthDate: `${born}${two(1 + (person % 12))}${two(1 + (person % 28))}`,
    sex: person % 2 === 0 ? "F" : "M",
    age: `${String(day.getUTCFullYear() - born).padStart(3, "0")}Y`,
  };
}

function seriesValues(study: number, series: number): Values {
  return {
    seriesUid: uidOf("series", study, series),
    seriesNumber: String(series + 1),
    seriesTime: tm(7 * 3600 + (study % 200) * 200 + 30 + series * 20, 125_000),
    seriesDescription: pick(SERIES, series),
    kernel: series % 2 === 0 ? "B30f" : "B70f",
  };
}

function imageValues(shape: Shape, { study, image }: Place, series: number): Values {
  const inSeries = image - firstImageOf(shape, series);
  const seconds = 7 * 3600 + (study % 200) * 200 + 40 + series * 20 + Math.floor(inSeries / 50);
  const z = String(1250.5 - inSeries);
  const current = 180 + ((image * 13) % 90);
  return {
    sopUid: uidOf("image", study, series, image),
    instanceNumber: String(inSeries + 1),
    acquisitionTime: tm(seconds, (inSeries % 50) * 20_000),
    contentTime: tm(seconds + 5, (inSeries % 50) * 20_000),
    z,
    slice: z,
    tubeCurrent: String(current),
    exposure: String(Math.floor(current / 2)),
    dose: String(Math.round(current * 3.1) / 100),
    largest: String(2000 + ((image * 29) % 1500)),
  };
}

/**
 * A renderer of CT metadata: the DICOM JSON text of an image, ASCII only, the same for the same place. It keeps the template of
 * the last series it was asked for, and nothing else.
 */
export function createCtRenderer(shape: Shape): (place: Place) => string {
  const base = templateOf(CT_ROWS);
  let last: { study: number; series: number; template: Template } | undefined;
  return (place) => {
    const series = seriesOf(shape, place.image);
    if (last === undefined || last.study !== place.study || last.series !== series) {
      const values = { ...studyValues(place.study), ...seriesValues(place.study, series) };
      last = { study: place.study, series, template: bind(base, values) };
    }
    return render(last.template, imageValues(shape, place, series));
  };
}
