/**
 * How the images of a series were made, in the extensions of the German core data set's imaging module (Medizininformatik-Initiative, Modul Bildgebung):
 * the quantities that all images of the series share, in UCUM. Written only when asked for: the attributes differ between images, so reading them makes
 * every sync slower.
 */
import type { Extension, Quantity } from "fhir/r4";
import { type Dataset, text } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { Keyword } from "./tags.ts";

const MII =
  "https://www.medizininformatik-initiative.de/fhir/ext/modul-bildgebung/StructureDefinition/mii-ex-bildgebung-modalitaet-";
const UCUM = "http://unitsofmeasure.org";

/** `name` is the url of the part. */
type Parameter = { name: string; keyword: Keyword; unit: string; code: string };

const MILLISECONDS = { unit: "milliseconds", code: "ms" } as const;
const X_RAY: readonly Parameter[] = [
  { name: "KVP", keyword: "KVP", unit: "kilovolt", code: "kV" },
  { name: "exposureTime", keyword: "ExposureTime", ...MILLISECONDS },
  { name: "exposure", keyword: "Exposure", unit: "milliampere second", code: "mA.s" },
  { name: "xRayTubeCurrent", keyword: "XRayTubeCurrent", unit: "milliampere", code: "mA" },
];
const PACKS = {
  ct: [{ name: "CTDIvol", keyword: "CTDIvol", unit: "milligray", code: "mGy" }, ...X_RAY],
  mr: [
    { name: "magneticFieldStrength", keyword: "MagneticFieldStrength", unit: "tesla", code: "T" },
    { name: "echoTime", keyword: "EchoTime", ...MILLISECONDS },
    { name: "repetitionTime", keyword: "RepetitionTime", ...MILLISECONDS },
    { name: "inversionTime", keyword: "InversionTime", ...MILLISECONDS },
    { name: "flipAngle", keyword: "FlipAngle", unit: "plane angle degree", code: "deg" },
  ],
  "mg-cr-dx": X_RAY,
} as const satisfies Record<string, readonly Parameter[]>;

type Pack = keyof typeof PACKS;
const packs = Object.keys(PACKS) as Pack[];
const BY_MODALITY: ReadonlyMap<string, Pack> = new Map([
  ["CT", "ct"],
  ["MR", "mr"],
  ["MG", "mg-cr-dx"],
  ["CR", "mg-cr-dx"],
  ["DX", "mg-cr-dx"],
]);

/** What each extension is of, for the rows. */
export const ACQUISITION_PACKS = packs.map((pack) => ({
  modalities: [...BY_MODALITY].flatMap(([modality, its]) => (its === pack ? [modality] : [])),
  url: MII + pack,
  keywords: PACKS[pack].map(({ keyword }): Keyword => keyword),
}));

/** The pack and its values as one text, which the images of a series share; empty for a value that is not there. */
export function readAcquisition(dataset: Dataset, note: Note): string | undefined {
  const pack = BY_MODALITY.get(text(dataset, "Modality", () => {})?.toUpperCase() ?? "");
  if (pack === undefined) return undefined;
  const values = PACKS[pack].map(({ keyword }) => decimal(dataset, keyword, note));
  return values.every((value) => value === "") ? undefined : [pack, ...values].join("|");
}

/** A number in JavaScript's shortest form, so that `120` and `120.0` are one. */
function decimal(dataset: Dataset, keyword: Keyword, note: Note): string {
  const found = text(dataset, keyword, note);
  if (found === undefined) return "";
  const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(found) ? Number(found) : Number.NaN;
  if (Number.isFinite(number)) return String(number);
  note(keyword, "invalid-number");
  return "";
}

/** @param all what readAcquisition gave of each instance of a series */
export function acquisitionExtensions(all: Iterable<string | undefined>): Extension[] {
  const distinct = [...new Set(all)].map((one) => (one === undefined ? [] : one.split("|")));
  const [first = []] = distinct;
  const pack = packs.find((name) => name === first[0]);
  if (pack === undefined) return [];
  const parts = PACKS[pack].flatMap(({ name, unit, code }, index) => {
    const value = first[index + 1] ?? "";
    const shared = value !== "" && distinct.every((one) => one[0] === pack && one[index + 1] === value);
    const quantity: Quantity = { value: Number(value), unit, system: UCUM, code };
    return shared ? [{ url: name, valueQuantity: quantity }] : [];
  });
  return parts.length === 0 ? [] : [{ url: MII + pack, extension: parts }];
}
