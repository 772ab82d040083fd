/** The visit of a study: ours leaves with its number, others' stay. */
import { expect, test } from "@jest/globals";
import { merge } from "../../src/fhir/plan-merge.ts";
import { ownershipOf } from "../../src/mapping/index.ts";
import { mapImage } from "../mapping/datasets.ts";

const { ImagingStudy } = ownershipOf({ fhirVersion: "R4" });
const visit = { "00380010": { vr: "LO", Value: ["V1"] } };
const withVisit = { ...mapImage(visit).imagingStudy };
const without = { ...mapImage({}).imagingStudy };

test("a visit that is emptied in DICOM, as when a study moves to another patient, leaves the study", () => {
  expect(withVisit.encounter).toBeDefined();
  expect(merge({ ...withVisit }, { ...without }, ImagingStudy)).not.toHaveProperty("encounter");
});

test("an encounter that others have set stays when DICOM knows none", () => {
  const encounter = { reference: "Encounter/1" };
  expect(merge({ ...without, encounter }, { ...without }, ImagingStudy)).toMatchObject({ encounter });
});

test("readers and reasons that others have added stay when DICOM knows none", () => {
  const others = { interpreter: [{ display: "Dr. Roe" }], reasonCode: [{ text: "Pain" }] };
  expect(merge({ ...without, ...others }, { ...without }, ImagingStudy)).toMatchObject(others);
});
