/** What others keep in FHIR stays: for every ownership tree the mapping declares, and for whole plans. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type FoundPatient, type FoundStudy, planRemoval, planStudy, type WritePolicy } from "../../src/fhir/index.ts";
import type { Json } from "../../src/fhir/json.ts";
import { sameJson } from "../../src/fhir/json.ts";
import type { Found, Write } from "../../src/fhir/plan.ts";
import { merge, updateOf } from "../../src/fhir/plan-merge.ts";
import {
  INCLUDES,
  isInclude,
  type Owned,
  type OwnershipTree,
  ownershipOf,
  PROFILES,
  studyIdentity,
} from "../../src/mapping/index.ts";
import { studyId } from "../../src/study.ts";
import { addedTo, wantedBy } from "./foreign-data.ts";
import { endpoint, MAPPING, type Sample, study } from "./samples.ts";

/** Elements every resource may have, and some that a study or a person has and DICOM says nothing of. */
const ELEMENTS = [
  ...["extension", "modifierExtension", "contained", "text", "language", "implicitRules", "note", "encounter", "link"],
  ...[
    "telecom",
    "address",
    "contact",
    "photo",
    "generalPractitioner",
    "communication",
    "_status",
    "_birthDate",
    "name",
  ],
];
const include = new Set(Object.keys({ ...INCLUDES, ...PROFILES }).filter(isInclude));
const OWNERSHIP = {
  R4: ownershipOf({ fhirVersion: "R4", include }),
  R5: ownershipOf({ fhirVersion: "R5", include }),
};
const TREES = Object.entries(OWNERSHIP).flatMap(([version, types]) =>
  Object.entries(types).map(([type, tree]) => ({ name: `${version} ${type}`, tree })),
);
/** OTHERS_DATA_RUNS takes more of them. */
const RUNS = { numRuns: Number(process.env["OTHERS_DATA_RUNS"] ?? 60) };
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe.each(TREES)("$name, by its ownership", ({ tree }) => {
  const scene = fc
    .record({ first: wantedBy(tree), second: wantedBy(tree) })
    .chain(({ first, second }) => addedTo(first, tree, ELEMENTS).map((added) => ({ ...added, first, second })));

  test("whatever others added is there after the next sync, and what is ours is as wanted", () => {
    fc.assert(
      fc.property(scene, ({ edited, second, missingIn }) => {
        const before = copy(edited);
        const after = merge(edited, second, tree);
        expect(edited).toEqual(before);
        expect(missingIn(after)).toEqual([]);
        expect(notAsWanted(after, second, tree)).toEqual([]);
        expect(sameJson(merge(after, second, tree), after)).toBe(true);
      }),
      RUNS,
    );
  });

  test("an addition alone is no reason to write", () => {
    fc.assert(
      fc.property(scene, ({ edited, first }) => {
        const found: Found = {
          ...edited,
          resourceType: "X",
          id: "1",
          meta: { ...(edited["meta"] as object), versionId: "7" },
        };
        expect(updateOf(found, first, tree)).toBeUndefined();
      }),
      RUNS,
    );
  });
});

/** Elements that are wholly ours and not as wanted. */
function notAsWanted(after: Json, wanted: Json, tree: OwnershipTree): string[] {
  return Object.entries(tree).flatMap(([name, owned]) => (isAsWanted(after[name], wanted[name], owned) ? [] : [name]));
}

function isAsWanted(after: unknown, wanted: unknown, owned: Owned): boolean {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const items = (value: unknown) => (Array.isArray(value) ? (value as Json[]) : []);
  switch (owned.kind) {
    case "whole":
      return wanted === undefined && owned.keepWhenAbsent === true ? true : sameJson(after, wanted);
    case "items":
      return items(wanted).every((item) => items(after).some((one) => sameJson(one, item)));
    case "values":
      return owned.values.every((one) => list(after).includes(one) === list(wanted).includes(one));
    case "members":
      return notAsWanted((after ?? {}) as Json, (wanted ?? {}) as Json, owned.members).length === 0;
    case "list":
      return (
        items(after).length === items(wanted).length &&
        items(wanted).every((item, index) => {
          const one = items(after)[index];
          return one?.[owned.key] === item[owned.key] && notAsWanted(one ?? {}, item, owned.members).length === 0;
        })
      );
  }
}

const nothing = (wanted: ReturnType<typeof study>): FoundStudy => ({
  identity: studyIdentity(MAPPING.sourceId, wanted.study),
  own: [],
  sameUid: [],
  endpoints: [],
});
const absent: FoundPatient = { kind: "absent" };
const sample: fc.Arbitrary<Sample> = fc.record(
  {
    patientId: fc.constantFrom("P1", "P2", ""),
    name: fc.constantFrom("Doe^Jane", "Roe^Jane", ""),
    sex: fc.constantFrom("F", "M", ""),
    birthDate: fc.constantFrom("19700102", "19700103", ""),
    date: fc.constantFrom("20240102", "20230102", ""),
    images: fc.integer({ min: 1, max: 4 }),
  },
  { requiredKeys: [] },
);
const policies: fc.Arbitrary<WritePolicy["patientPolicy"]> = fc.constantFrom("link", "create", "sync");

/** What the server holds of a write. */
const held = (write: Write | undefined): Found => {
  if (write === undefined) throw new Error("no such write");
  const resource = copy(write.resource);
  return {
    ...resource,
    meta: { ...(resource["meta"] as object), versionId: "1", lastUpdated: "2024-01-01T00:00:00Z" },
  };
};
const writesOf = (plan: ReturnType<typeof planStudy>) => (plan.kind === "write" ? plan.writes : []);
const ofType = (plan: ReturnType<typeof planStudy>, type: string) =>
  writesOf(plan).find(({ resource }) => resource.resourceType === type);

describe("a study's plan", () => {
  const first = study();
  const made = planStudy(nothing(first), absent, first, { patientPolicy: "create" });
  const imagingStudy = held(ofType(made, "ImagingStudy"));
  const patient = held(ofType(made, "Patient"));
  const scene = fc.record({
    inStudy: addedTo(imagingStudy, OWNERSHIP.R4.ImagingStudy, ELEMENTS),
    inPatient: addedTo(
      patient,
      OWNERSHIP.R4.Patient,
      ELEMENTS.filter((name) => name !== "extension"),
    ),
    next: sample,
    patientPolicy: policies,
  });

  test("keeps what others added to the study and to its Patient, under every policy", () => {
    fc.assert(
      fc.property(scene, ({ inStudy, inPatient, next, patientPolicy }) => {
        const wanted = study(next);
        const own = inStudy.edited as Found;
        const person = inPatient.edited as Found;
        const plan = planStudy({ ...nothing(wanted), own: [own] }, { kind: "found", patient: person }, wanted, {
          patientPolicy,
        });
        const after = ofType(plan, "ImagingStudy")?.resource ?? own;
        const afterPerson = ofType(plan, "Patient")?.resource ?? person;
        const server = ["meta"];
        expect(inStudy.missingIn({ ...after, meta: own["meta"] }).filter((path) => !server.includes(path))).toEqual([]);
        expect(inPatient.missingIn({ ...afterPerson, meta: person["meta"] })).toEqual([]);
        expect(after.id).toBe(own.id);
      }),
      RUNS,
    );
  });

  test("keeps foreign tags, profiles and security labels in meta", () => {
    const coding = fc.record({
      system: fc.constantFrom("urn:x", "urn:studycast:tagged"),
      code: fc.constantFrom("created", "a"),
    });
    fc.assert(
      fc.property(fc.array(coding, { minLength: 1, maxLength: 3 }), sample, (codings, next) => {
        const meta = { ...(imagingStudy["meta"] as Json), security: codings, profile: ["urn:x:p"] };
        const tags = [...codings, ...((meta as { tag?: Json[] }).tag ?? [])];
        const own = { ...imagingStudy, meta: { ...meta, tag: tags } };
        const wanted = study(next);
        const plan = planStudy({ ...nothing(wanted), own: [own] }, absent, wanted, { patientPolicy: "link" });
        const after = ofType(plan, "ImagingStudy")?.resource ?? own;
        expect(after["meta"]).toMatchObject({ tag: tags, security: codings, profile: ["urn:x:p"] });
      }),
      RUNS,
    );
  });

  test("link writes no Patient, whatever is found", () => {
    fc.assert(
      fc.property(scene, fc.boolean(), ({ inPatient, next }, isFound) => {
        const wanted = study(next);
        const found: FoundPatient = isFound ? { kind: "found", patient: inPatient.edited as Found } : absent;
        expect(ofType(planStudy(nothing(wanted), found, wanted, { patientPolicy: "link" }), "Patient")).toBeUndefined();
      }),
      RUNS,
    );
  });

  test("create writes no Patient that it did not make, nor one that somebody has edited since", () => {
    const tags = fc.array(
      fc.constantFrom(
        { system: "urn:studycast:tag", code: "created-by" },
        { system: "urn:other", code: "created" },
        { code: "created" },
      ),
      { maxLength: 3 },
    );
    const edit = fc.constantFrom<Json>(
      { gender: "other" },
      { birthDate: "1900-01-01" },
      { name: [{ text: "Theirs" }] },
    );
    fc.assert(
      fc.property(scene, tags, edit, fc.boolean(), ({ inPatient, next }, tag, edited, isForeign) => {
        const person = inPatient.edited as Found;
        const foreign = isForeign ? { ...person, meta: { versionId: "1", tag } } : { ...person, ...edited };
        const wanted = study(next);
        const found: FoundPatient = { kind: "found", patient: foreign };
        const plan = planStudy(nothing(wanted), found, wanted, { patientPolicy: "create" });
        expect(ofType(plan, "Patient")).toBeUndefined();
      }),
      RUNS,
    );
  });

  test("an adopted study whose images are gone keeps all that others have there", () => {
    const ours = new Set(["series", "numberOfSeries", "numberOfInstances", "status"]);
    fc.assert(
      fc.property(scene, ({ inStudy }) => {
        const adopted: Found = {
          ...(inStudy.edited as Found),
          id: "ris-1",
          meta: { ...(inStudy.edited["meta"] as object), tag: [], versionId: "3" },
        };
        const plan = planRemoval({ ...nothing(first), own: [adopted] }, { deletePolicy: "delete" });
        expect(plan.kind).toBe("write");
        const after = ofType(plan, "ImagingStudy")?.resource ?? {};
        const lost = inStudy.missingIn(after).filter((path) => !ours.has(path.split(/[.[]/)[1] ?? ""));
        expect(lost).toEqual([]);
      }),
      RUNS,
    );
  });

  test("an Endpoint keeps what others added", () => {
    fc.assert(
      fc.property(addedTo({ ...endpoint() }, OWNERSHIP.R4.Endpoint, ELEMENTS), ({ edited, missingIn }) => {
        const moved = { ...endpoint(), address: "http://127.0.0.1/elsewhere" };
        const write = updateOf({ ...(edited as Found), meta: { versionId: "1" } }, moved, OWNERSHIP.R4.Endpoint);
        expect(missingIn({ ...write?.resource, meta: edited["meta"] })).toEqual([]);
        expect(write?.resource["address"]).toBe(moved.address);
      }),
      RUNS,
    );
  });
});

describe("equal Study Instance UIDs", () => {
  const place = fc.record({
    source: fc.constantFrom("pacs", "pacs-2", "pacs/2", "p"),
    partition: fc.constantFrom("Microsoft.Default", "north", "2", "cs"),
  });

  test("of two sources or partitions never share a resource, an identifier or an Endpoint", () => {
    fc.assert(
      fc.property(place, place, (one, two) => {
        fc.pre(one.source !== two.source || one.partition !== two.partition);
        const [a, b] = [one, two].map(({ source, partition }) =>
          studyIdentity(source, studyId(partition, "1.2.840.1")),
        );
        expect(a?.studyResourceId).not.toBe(b?.studyResourceId);
        expect(a?.ownIdentifier.value).not.toBe(b?.ownIdentifier.value);
        expect(a?.endpointId).not.toBe(b?.endpointId);
      }),
      RUNS,
    );
  });

  test("the study of one is neither changed nor removed by the other's", () => {
    fc.assert(
      fc.property(place, place, sample, sample, (one, two, before, next) => {
        fc.pre(one.source !== two.source || one.partition !== two.partition);
        const build = ({ source, partition }: typeof one, content: Sample) =>
          study({ ...content, partition }, { ...MAPPING, sourceId: source });
        const foundBy = ({ source }: typeof one, wanted: ReturnType<typeof study>, sameUid: Found[]): FoundStudy => ({
          ...nothing(wanted),
          identity: studyIdentity(source, wanted.study),
          sameUid,
        });
        const theirs = build(one, before);
        const policy = { patientPolicy: "link" } as const;
        const resource = held(ofType(planStudy(foundBy(one, theirs, []), absent, theirs, policy), "ImagingStudy"));
        const ours = build(two, next);
        const found = foundBy(two, ours, [resource]);
        const plan = planStudy(found, absent, ours, policy);
        expect(ofType(plan, "ImagingStudy")).toMatchObject({ expect: "created" });
        expect(writesOf(plan).map((write) => write.resource.id)).not.toContain(resource.id);
        expect(planRemoval(found, { deletePolicy: "delete" })).toEqual({ kind: "unchanged" });
      }),
      RUNS,
    );
  });
});
