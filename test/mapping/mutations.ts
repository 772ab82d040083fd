/** Random and damaged DICOM JSON, the same for the same seed. For the fuzz test and `npm run fuzz`. */
import {
  type FhirVersion,
  INCLUDES,
  type MappingOptions,
  mapDatasets,
  PROFILES,
  rewriteReferences,
  SUPPORTING_TYPES,
  wantedIncludes,
} from "../../src/mapping/index.ts";
import { TAGS } from "../../src/mapping/tags.ts";
import { ctImage, element, type Json, OPTIONS, sequence } from "./datasets.ts";

/** Mulberry32: numbers from 0 to 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Values that have broken something somewhere. */
const VALUES: readonly unknown[] = [
  "",
  " ",
  "\u0000",
  "\\",
  "\\\\",
  "^",
  "=",
  "^^^^",
  "a^b=c^d=e^f=g",
  "Ärzte^Hans",
  "山田^太郎",
  "\ud800",
  "\udfff\ud800",
  "\ufffe",
  "\u001b$B",
  "\u001b(B\u001b",
  "\u0085\u200b\u00a0\ufeff",
  "<b>&amp;</b>",
  "x".repeat(70),
  "1".repeat(65),
  "1.2.840",
  "1..2",
  ".",
  "1.02",
  "0",
  "-1",
  "+7",
  "1.0",
  "1e3",
  "4294967296",
  "NaN",
  "20240230",
  "20240105",
  "1950",
  "195001",
  "1950.01.01",
  "00000000",
  "20240331023000",
  "20240105101112.5+0100",
  "1011",
  "246000",
  "101160",
  "+0200",
  "-0000",
  "UTC-04:00",
  "+9999",
  "CT",
  "ct\\pt",
  "CHEST",
  "T-D4000",
  "L",
  "R",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "YES",
  "NO",
  "RFC5646",
  "en-US",
  "SCT",
  "OWNER",
  "ALTERED",
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[]],
  [null],
  { Alphabetic: "A^B" },
  { Alphabetic: null, Ideographic: 5 },
  { Alphabetic: "a=b=c=d^e^f^g^h^i^j" },
  { ["__proto__"]: { polluted: true }, Value: ["x"], constructor: 1, toString: "x" },
];

/** Seldom, because they take long to make and to look at. */
const HEAVY: readonly unknown[] = [
  "x".repeat(70_000),
  "\ud83d".repeat(2_000),
  "A^".repeat(3_000),
  "1\\".repeat(3_000),
  nested(60),
  nested(20_000),
  Array.from({ length: 500 }, (_, index) => `value ${index}`),
];

/** Items within items, deeper than any real data set, and deeper than `JSON.stringify` can follow. */
function nested(depth: number): unknown {
  let value: unknown = "x";
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

const CLASSES = [
  "1.2.840.10008.5.1.4.1.1.2",
  "1.2.840.10008.5.1.4.1.1.88.33",
  "1.2.840.10008.5.1.4.1.1.104.1",
  "1.2.840.10008.5.1.4.1.1.66.4",
  "1.2.840.10008.5.1.4.1.1.11.1",
  "1.2.840.10008.5.1.4.1.1.7",
];
const tags = Object.values(TAGS);

const VRS = ["UN", "SQ", "PN", "LO", "IS", "DS", "AT", "OB", "", "XX", 5, null];
/** Members of `Object.prototype` as tags, and what is no tag. */
const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "", "0010", "00090010", "ffffffff"];

/** A code in a system that everybody knows, as people and institutions are identified with. */
const known = (value: string): Json =>
  sequence({
    "00080100": element("SH", value),
    "00080102": element("SH", "SCT"),
    "00080104": element("LO", "somebody"),
  });

/** Between one and three datasets of one or two studies, each with some elements replaced, removed, renamed or nested. */
export function randomDatasets(random: () => number): unknown[] {
  const int = (below: number) => Math.floor(random() * below);
  const pick = <T>(from: readonly T[]): T => from[int(from.length)] as T;
  const anyValue = (): unknown => (random() < 0.003 ? pick(HEAVY) : pick(VALUES));
  const anyItem = (depth: number): Json =>
    Object.fromEntries(Array.from({ length: int(5) }, () => anyElement(depth + 1)));
  const anyElement = (depth: number): [string, unknown] => {
    const [tag, vr] = pick(tags);
    const name = random() < 0.1 ? tag.toLowerCase() : random() < 0.03 ? pick(NAMES) : tag;
    const shape = random();
    if (vr === "SQ" && depth < 5 && shape < 0.8)
      return [name, sequence(...Array.from({ length: int(3) }, () => anyItem(depth)))];
    if (shape < 0.05) return [name, anyValue()];
    if (shape < 0.1) return [name, { vr, Value: anyValue() }];
    if (shape < 0.13) return [name, { vr, InlineBinary: anyValue() }];
    if (shape < 0.16) return [name, { vr, BulkDataURI: "http://x.example/1" }];
    if (shape < 0.2) return [name, { vr }];
    if (shape < 0.25) return [name, { vr: pick(VRS), Value: [anyValue(), anyItem(5)] }];
    return [name, { vr, Value: Array.from({ length: 1 + int(2) }, anyValue) }];
  };
  return Array.from({ length: 1 + int(3) }, () => {
    const dataset = ctImage(int(4), {
      "00080016": element("UI", pick(CLASSES)),
      "0020000E": element("UI", `1.2.${int(3)}`),
      "0020000D": element("UI", `1.9.${int(2)}`),
      "00080082": known("22232009"),
      "00080096": sequence({ "00401101": known("309343006"), "00080080": element("LO", "Somewhere") }),
      "00081050": element("PN", { Alphabetic: "Roe^Richard" }),
      "00081052": sequence({ "00401101": known("66862007") }),
    });
    for (let change = int(12); change > 0; change--) {
      const [name, value] = anyElement(0);
      // An own member, as JSON.parse makes it, also for `__proto__`.
      Object.defineProperty(dataset, name, { value, enumerable: true, configurable: true, writable: true });
    }
    for (const [tag] of Object.entries(dataset)) if (random() < 0.03) delete dataset[tag];
    return random() < 0.01 ? anyValue() : dataset;
  });
}

/** Options with everything that can be asked for, in half of the cases; else with little. */
function randomOptions(random: () => number): MappingOptions {
  const all = random() < 0.5;
  const profiles = Object.keys(PROFILES).filter(() => all && random() < 0.5);
  return {
    ...OPTIONS,
    ...(random() < 0.3 ? { patientIdSystem: undefined } : {}),
    ...(random() < 0.5 ? { timeZone: "Europe/Berlin" } : {}),
    instanceListLimit: random() < 0.2 ? 1 : 1000,
    splitGiven: random() < 0.3,
    include: wantedIncludes([...(all ? Object.keys(INCLUDES) : []), ...profiles]),
    upsert: new Set(all ? SUPPORTING_TYPES : []),
    ...(all
      ? {
          retrieveLocationUid: "1.2.826.94",
          qidoEndpoint: random() < 0.3,
          viewerUrl: "https://viewer.example/IID",
          accessionSystem: "urn:oid:1.2.826.98",
          studyIdSystem: "urn:oid:1.2.826.97",
          procedureStepIdSystem: "urn:oid:1.2.826.96",
          locationSystem: "urn:oid:1.2.826.95",
          codeSystems: { "99LOCAL": "http://hospital.example/codes" },
        }
      : {}),
  };
}

export type Fuzzed = { version: FhirVersion; resources: { resourceType: string }[]; ms: number };

/**
 * Maps what a seed gives, to R4 or to R5. The resources refer to each other by relative references, which the validators know.
 * `ms`: how long the mapping took.
 */
export function mapSeed(seed: number): Fuzzed {
  const random = seededRandom(seed);
  const version = random() < 0.5 ? "R5" : "R4";
  const datasets = randomDatasets(random);
  const options: MappingOptions = { ...randomOptions(random), fhirVersion: version };
  const before = performance.now();
  const { bundle } = mapDatasets(datasets, options, "http://dicom.example/v2");
  const ms = performance.now() - before;
  const types = new Map(bundle.entry?.map(({ fullUrl, resource }) => [fullUrl ?? "", resource?.resourceType]));
  const relative = (reference: string) =>
    types.has(reference) ? `${types.get(reference)}/${reference.slice("urn:uuid:".length)}` : reference;
  const resources = (bundle.entry ?? []).map(
    ({ resource }) => rewriteReferences(resource ?? {}, relative) as { resourceType: string },
  );
  return { version, resources, ms };
}
