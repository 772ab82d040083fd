/**
 * Google's healthcare-data-harmonization maps DICOM JSON to ImagingStudy; seven of its test pairs, held against ours element by element. A difference
 * needs a reason here; a reason that explains nothing any more fails.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { ImagingStudy } from "fhir/r4";
import { mapDatasets } from "../../src/mapping/index.ts";
import { OPTIONS } from "./datasets.ts";

const folder = join(import.meta.dirname, "../../../shared/examples/google-imagingstudy");
const present = existsSync(folder);
if (!present) console.log("skipped: ../shared/examples/google-imagingstudy is not there");

type Difference = { path: string; google?: unknown; ours?: unknown; reason: string };

const MORE = "Google's reduced form leaves it out; FHIR demands it or it says more";
/** In every pair: what we write besides. `ours` undefined: whatever it is. */
const EVERYWHERE: readonly Difference[] = [
  { path: "id", reason: "ours: derived from source and study, so that a replay writes the same resource" },
  { path: "meta.tag[0].system", reason: "ours: marks what we created" },
  { path: "meta.tag[0].code", reason: "ours: marks what we created" },
  { path: "identifier[own].system", reason: "ours: tells our study from another source's with the same UID" },
  { path: "identifier[own].value", reason: "ours: tells our study from another source's with the same UID" },
  { path: "subject.extension[0].url", reason: "subject is 1..1 (D.1 11); these files have no Patient ID (E 2)" },
  { path: "subject.extension[0].valueCode", reason: "subject is 1..1 (D.1 11); these files have no Patient ID (E 2)" },
  { path: "subject.type", reason: MORE },
  { path: "endpoint[0].reference", reason: MORE },
  {
    path: "series[0].modality.extension[0].url",
    reason: "series.modality is 1..1 (D.1 11); the files have none (E 12)",
  },
  {
    path: "series[0].modality.extension[0].valueCode",
    reason: "series.modality is 1..1 (D.1 11); the files have none (E 12)",
  },
  {
    path: "series[0].instance[0].sopClass.display",
    ours: "Secondary Capture Image Storage",
    reason: "A.2 sopClass: with the class's name as display",
  },
];
const SCHEME =
  "a scheme designator or an issuer's text is no URI (B.2, D.1 6); CODE_SYSTEMS or ISSUER_SYSTEMS name one";
const NAME = "the name as it is read, not as it is encoded (A.2: identifier and display)";
const TYPE = "says what the logical reference is to (Reference.type)";
const CODE_DISPLAY = "the code's display";

/** Besides, by pair. */
const DIFFERENCES: Readonly<Record<string, readonly Difference[]>> = {
  accession_local: [
    { path: "identifier[ACSN].system", google: "local_issuer", reason: SCHEME },
    {
      path: "identifier[ACSN].assigner.display",
      ours: "local_issuer",
      reason: "A.1: an issuer without URI is the assigner",
    },
    { path: "identifier[ACSN].type.coding[0].display", ours: "Accession ID", reason: CODE_DISPLAY },
    ...[
      ["type", "ServiceRequest"],
      ["identifier.type.coding[0].system", "http://terminology.hl7.org/CodeSystem/v2-0203"],
      ["identifier.type.coding[0].code", "ACSN"],
      ["identifier.type.coding[0].display", "Accession ID"],
      ["identifier.value", "1234"],
      ["identifier.assigner.display", "local_issuer"],
    ].map(([path, ours]) => ({
      path: `basedOn[0].${path}`,
      ours,
      reason: "A.2 basedOn: the order by its accession number, as R5's mapping has it",
    })),
  ],
  instance_title: [
    {
      path: "series[0].instance[0].title",
      google:
        "Image Type: ORIGINAL PRIMARY, Presentation Label: Some label, Concept Name Code Meaning: Some coded description, Document Title: Some document title",
      ours: "ORIGINAL\\PRIMARY",
      reason: "A.2 title: by object class; an image is titled by its image type, not by all attributes joined",
    },
  ],
  interpreter_full: [0, 1].flatMap((index) => {
    const last = index === 0 ? 1 : 4;
    return [
      { path: `interpreter[${index}].type`, ours: "Practitioner", reason: TYPE },
      { path: `interpreter[${index}].identifier.system`, google: "hospital_physician_index", reason: SCHEME },
      {
        path: `interpreter[${index}].display`,
        google: `First${last}^Last${last}`,
        ours: `Last${last} First${last}`,
        reason: NAME,
      },
    ];
  }),
  operator_name_only: [0, 1].flatMap((index) => {
    const last = index === 0 ? 1 : 4;
    return [
      { path: `series[0].performer[${index}].actor.type`, ours: "Practitioner", reason: TYPE },
      { path: `series[0].performer[${index}].function.coding[0].display`, ours: "performer", reason: CODE_DISPLAY },
      {
        path: `series[0].performer[${index}].actor.display`,
        google: `First${last}^Last${last}`,
        ours: `Last${last} First${last}`,
        reason: NAME,
      },
    ];
  }),
  performed_location: [
    { path: "location.type", ours: "Location", reason: TYPE },
    {
      path: "location.identifier.value",
      google: "HospitalA",
      reason: "A.2 location: an identifier only with a system (LOCATION_SYSTEM)",
    },
    { path: "location.display", ours: "HospitalA", reason: "A.2 location: display" },
  ],
  provider_physician_id_only: [0, 1].flatMap((index) => [
    { path: `series[0].performer[${index}].actor.type`, ours: "Practitioner", reason: TYPE },
    { path: `series[0].performer[${index}].function.coding[0].display`, ours: "performer", reason: CODE_DISPLAY },
    {
      path: `series[0].performer[${index}].actor.identifier.system`,
      google: "hospital_physician_index",
      reason: SCHEME,
    },
  ]),
  series_datetime: [],
};

/** `path` → value of every leaf; identifiers are told by what they are, not by position. */
function leaves(value: unknown, path = ""): [string, unknown][] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => leaves(item, `${path}[${path === "identifier" ? kind(item) : index}]`));
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, member]) => leaves(member, path === "" ? name : `${path}.${name}`));
}

function kind(identifier: NonNullable<ImagingStudy["identifier"]>[number]): string {
  if (identifier.system === "urn:dicom:uid") return "UID";
  return identifier.type?.coding?.[0]?.code ?? "own";
}

function differences(google: unknown, ours: unknown): { path: string; google: unknown; ours: unknown }[] {
  const theirs = new Map(leaves(google));
  const own = new Map(leaves(ours));
  return [...new Set([...theirs.keys(), ...own.keys()])]
    .filter((path) => theirs.get(path) !== own.get(path))
    .map((path) => ({ path, google: theirs.get(path), ours: own.get(path) }));
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
const pairs = present ? readdirSync(folder).filter((name) => name.endsWith(".input.json")) : [];

(present ? describe : describe.skip)("Google's pairs", () => {
  test("there are seven", () => {
    expect(pairs.map((name) => name.replace(".input.json", "")).sort()).toEqual(Object.keys(DIFFERENCES).sort());
  });

  test.each(Object.entries(DIFFERENCES))("%s is reproduced but for what is explained", (name, own) => {
    const { study } = read(`${name}.input.json`) as { study: unknown[] };
    const google = read(`${name}.output.json`);
    const { bundle } = mapDatasets(study, OPTIONS, "http://dicom.example/v2");
    const ours = bundle.entry?.map(({ resource }) => resource).find((one) => one?.resourceType === "ImagingStudy");
    const found = differences(google, ours);
    const explained = [...EVERYWHERE, ...own];
    const byPath = new Map(explained.map((one) => [one.path, one]));
    expect(found.filter(({ path }) => !byPath.has(path))).toEqual([]);
    expect(explained.map(({ path }) => path).filter((path) => !found.some((one) => one.path === path))).toEqual([]);
    for (const { path, google: theirs, ours: mine } of found) {
      const reason = byPath.get(path);
      // Nothing of Google's may go missing or change unsaid.
      expect({ path, google: theirs }).toEqual({ path, google: reason?.google });
      if (reason?.ours !== undefined || reason?.google !== undefined)
        expect({ path, ours: mine }).toEqual({ path, ours: reason.ours });
    }
  });

  test("with the systems that a site configures, ids are Google's with a URI", () => {
    const systems = { hospital_physician_index: "urn:oid:1.2.826.7" };
    const { study } = read("interpreter_full.input.json") as { study: unknown[] };
    const { bundle } = mapDatasets(study, { ...OPTIONS, codeSystems: systems }, "http://dicom.example/v2");
    const ours = bundle.entry?.map(({ resource }) => resource).find((one) => one?.resourceType === "ImagingStudy");
    expect(ours).toMatchObject({
      interpreter: [
        { identifier: { system: "urn:oid:1.2.826.7", value: "id1" } },
        { identifier: { system: "urn:oid:1.2.826.7", value: "id2" } },
      ],
    });
  });
});
