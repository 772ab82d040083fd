/** HL7's own R4 example of an ImagingStudy: a study of the same facts gives the same elements in the same shape. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { ImagingStudy } from "fhir/r4";
import { mapDatasets } from "../../src/mapping/index.ts";
import { element, OPTIONS, sequence } from "./datasets.ts";

const file = join(import.meta.dirname, "../../../shared/examples/hl7/imagingstudy-r4.json");
const present = existsSync(file);
if (!present) console.log("skipped: ../shared/examples/hl7 is not there");

/** What the example says, as DICOM would. */
const DATASET = {
  "00080005": element("CS", "ISO_IR 100"),
  "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2"),
  "00080018": element("UI", "2.16.124.113543.6003.189642796.63084.16748.2599092903"),
  "00080020": element("DA", "20110101"),
  "00080030": element("TM", "110120"),
  "00080060": element("CS", "CT"),
  "00080201": element("SH", "+0300"),
  "0008103E": element("LO", "CT Surview 180"),
  "00082218": sequence({
    "00080100": element("SH", "67734004"),
    "00080102": element("SH", "SCT"),
    "00080104": element("LO", "Upper Trunk Structure"),
  }),
  "00100010": element("PN", { Alphabetic: "Smith^John" }),
  "00100020": element("LO", "09236"),
  "0020000D": element("UI", "2.16.124.113543.6003.1154777499.30246.19789.3503430045"),
  "0020000E": element("UI", "2.16.124.113543.6003.2588828330.45298.17418.2723805630"),
  "00200011": element("IS", 3),
  "00200013": element("IS", 1),
};

(present ? describe : describe.skip)("HL7's R4 example", () => {
  test("every element of it but the narrative and its test tag is produced, with the same values", () => {
    const {
      text: _narrative,
      id: _id,
      meta: _meta,
      subject,
      ...example
    } = JSON.parse(readFileSync(file, "utf8")) as ImagingStudy;
    const { bundle } = mapDatasets([DATASET], OPTIONS, "http://dicom.example/v2");
    const ours = bundle.entry?.map(({ resource }) => resource).find((one) => one?.resourceType === "ImagingStudy");
    const [uid, ...further] = (ours as ImagingStudy).identifier ?? [];
    expect(further.map(({ system }) => system)).toEqual(["urn:ietf:rfc:3986"]);
    expect({ ...ours, identifier: [uid] }).toMatchObject(example);
    // A literal reference to a Patient, by an id of its own.
    expect(Object.keys(subject)).toEqual(["reference"]);
    expect((ours as ImagingStudy).subject.reference).toMatch(/^urn:uuid:/);
  });
});
