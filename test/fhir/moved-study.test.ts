/** A study that is put on another patient takes nothing of the one before along. */
import { describe, expect, test } from "@jest/globals";
import type { Found } from "../../src/fhir/plan.ts";
import { planStudy } from "../../src/fhir/plan-study.ts";
import { studyIdentity } from "../../src/mapping/index.ts";
import { MAPPING, type Sample, study } from "./samples.ts";

const ORDERED = {
  "00081060": { vr: "PN", Value: [{ Alphabetic: "Roe^Richard" }] },
  "00081040": { vr: "LO", Value: ["Oncology"] },
  "00401002": { vr: "LO", Value: ["Staging"] },
  "00081032": { vr: "SQ", Value: [{ "00080104": { vr: "LO", Value: ["Biopsy"] } }] },
};
const KEPT = {
  R4: ["interpreter", "procedureCode", "reasonCode", "location"],
  R5: ["procedure", "reason", "location"],
};

/** The study in FHIR after a sync over what is there; undefined when nothing is written. */
function synced(sample: Sample, fhirVersion: "R4" | "R5", held?: Found, patientReference?: string): Found | undefined {
  const wanted = study({ images: 1, ...sample }, { ...MAPPING, fhirVersion });
  const own = held === undefined ? [] : [held];
  const found = { identity: studyIdentity("pacs", wanted.study), own, sameUid: [], endpoints: [] };
  const patient =
    patientReference === undefined
      ? ({ kind: "absent" } as const)
      : ({ kind: "found", patient: { resourceType: "Patient", id: patientReference } } as const);
  const plan = planStudy(found, patient, wanted, { patientPolicy: "create" });
  const writes = plan.kind === "write" ? plan.writes.map(({ resource }) => resource) : [];
  return (
    JSON.parse(JSON.stringify(writes.find(({ resourceType }) => resourceType === "ImagingStudy") ?? null)) ?? undefined
  );
}

describe.each(["R4", "R5"] as const)("a study (%s)", (version) => {
  const ofA = () => synced({ patientId: "A", more: ORDERED }, version) as Found;

  test("that moves to another patient leaves readers, procedure, reasons and place of the one before", () => {
    for (const name of KEPT[version]) expect(ofA()).toHaveProperty(name);
    const after = synced({ patientId: "B" }, version, ofA());
    for (const name of KEPT[version]) expect(after).not.toHaveProperty(name);
  });

  test("that is taken off a person leaves them too", () => {
    const after = synced({ patientId: "" }, version, ofA());
    expect(after?.["subject"]).not.toHaveProperty("identifier");
    for (const name of KEPT[version]) expect(after).not.toHaveProperty(name);
  });

  test("whose visit others have set leaves that visit with its patient", () => {
    const held = { ...ofA(), encounter: { reference: "Encounter/of-A" } };
    expect(synced({ patientId: "B", more: ORDERED }, version, held)).not.toHaveProperty("encounter");
  });

  test("that stays with its patient keeps them, also when Patients were merged", () => {
    const held = ofA();
    expect(synced({ patientId: "A" }, version, held)).toBeUndefined();
    const merged = synced({ patientId: "A" }, version, held, "survivor");
    expect(merged?.["subject"]).toMatchObject({ reference: "Patient/survivor" });
    for (const name of KEPT[version]) expect(merged).toHaveProperty(name);
  });

  test("of others that is adopted keeps what they say of it", () => {
    const { subject: _, ...rest } = ofA();
    const held = { ...rest, subject: { reference: "Patient/theirs" } } as Found;
    const after = synced({ patientId: "A" }, version, held);
    for (const name of KEPT[version]) expect(after).toHaveProperty(name);
  });
});
