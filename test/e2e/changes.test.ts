/** What changes in the DICOM service changes in FHIR, and what others keep in FHIR stays. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ImagingStudy, Patient } from "fhir/r4";
import {
  type Dataset,
  el,
  hospitalDayEvening,
  personName,
  seededUid,
  writePart10,
} from "../../emulators/samples/index.ts";
import { FHIR_E2E_URL, LONG_TEST_MS, type Stack, startStack } from "./stack.ts";
import { bytesOf, dayTruth, expectTruth, expectValid, uidOf } from "./truth.ts";

const SOP_CLASS = "1.2.840.10008.5.1.4.1.1.2";

type Image = { study: string; series?: string; image: string; patient: string; more?: Dataset };

/** One small CT image; study, series and image are names that become UIDs of the stack. */
function file({ seed }: Stack, { study, series = "a", image, patient, more = {} }: Image): Uint8Array {
  return writePart10({
    "00080005": el("CS", "ISO_IR 192"),
    "00080016": el("UI", SOP_CLASS),
    "00080018": el("UI", seededUid(seed, `${study} ${series} ${image}`)),
    "00080020": el("DA", "20260302"),
    "00080060": el("CS", "CT"),
    "00100010": el("PN", personName(`Name^${patient}`)),
    "00100020": patient === "" ? el("LO") : el("LO", `${seed}-${patient}`),
    "0020000D": el("UI", seededUid(seed, study)),
    "0020000E": el("UI", seededUid(seed, `${study} ${series}`)),
    ...more,
  });
}

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  stack.worker();
});
afterAll(() => stack?.close());

const uid = (study: string) => seededUid(stack.seed, study);

async function store(...images: Image[]): Promise<void> {
  for (const image of images) expect(stack.dicom.store(file(stack, image)).stored).toBe(true);
  await stack.settled();
}

async function studyOf(study: string): Promise<ImagingStudy | undefined> {
  const found = (await stack.fhir.studies()).filter((one) => uidOf(one) === uid(study));
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0];
}

/** Series, instances, and the patient ID its subject refers to. */
async function shown(
  study: string,
): Promise<[series: number, instances: number, patient: string | undefined] | "none"> {
  const found = await studyOf(study);
  if (found === undefined) return "none";
  const patient = (await stack.fhir.patients()).find(({ id }) => `Patient/${id}` === found.subject.reference);
  return [found.numberOfSeries ?? 0, found.numberOfInstances ?? 0, patient?.identifier?.[0]?.value];
}

async function remove(path: string): Promise<void> {
  const answer = await fetch(`${stack.dicom.url}/v2${path}`, { method: "DELETE" });
  expect(answer.status).toBe(204);
  await stack.settled();
}

async function bulkUpdate(study: string, changeDataset: Dataset): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ studyInstanceUids: [uid(study)], changeDataset });
  const asked = await fetch(`${stack.dicom.url}/v2/studies/$bulkUpdate`, { method: "POST", headers, body });
  expect(asked.status).toBe(202);
  const { id } = (await asked.json()) as { id: string };
  while ((await fetch(`${stack.dicom.url}/v2/operations/${id}`)).status === 202);
  await stack.settled();
}

describe("a change in the DICOM service", () => {
  test("an update of attributes is in FHIR", async () => {
    await store({ study: "update", image: "1", patient: "up" });
    await bulkUpdate("update", { "00081030": el("LO", "another description"), "00100040": el("CS", "F") });
    const study = await studyOf("update");
    expect(study?.description).toBe("another description");
    const patient = (await stack.fhir.patients()).find(({ id }) => `Patient/${id}` === study?.subject.reference);
    expect(patient?.gender).toBe("female");
  });

  test("an instance that is deleted and stored again with other content is the new one", async () => {
    await store({ study: "again", image: "1", patient: "ag" }, { study: "again", image: "2", patient: "ag" });
    const image = { study: "again", image: "1", patient: "ag", more: { "00200013": el("IS", 77) } };
    await remove(`/studies/${uid("again")}/series/${uid("again a")}/instances/${uid("again a 1")}`);
    expect(await shown("again")).toEqual([1, 1, `${stack.seed}-ag`]);
    await store(image);
    const numbers = (await studyOf("again"))?.series?.[0]?.instance?.map((one) => one.number);
    expect(numbers?.filter((number) => number !== undefined)).toEqual([77]);
    expect(await shown("again")).toEqual([1, 2, `${stack.seed}-ag`]);
  });

  test("a study shrinks with its instances and series, leaves FHIR with its last image, and comes back", async () => {
    const images = [
      { study: "shrink", series: "a", image: "1", patient: "sh" },
      { study: "shrink", series: "a", image: "2", patient: "sh" },
      { study: "shrink", series: "b", image: "1", patient: "sh" },
      { study: "shrink", series: "c", image: "1", patient: "sh" },
    ];
    const id = `${stack.seed}-sh`;
    await store(...images);
    expect(await shown("shrink")).toEqual([3, 4, id]);
    const path = `/studies/${uid("shrink")}/series`;
    await remove(`${path}/${uid("shrink a")}/instances/${uid("shrink a 1")}`);
    expect(await shown("shrink")).toEqual([3, 3, id]);
    await remove(`${path}/${uid("shrink b")}`);
    expect(await shown("shrink")).toEqual([2, 2, id]);
    await remove(`${path}/${uid("shrink c")}/instances/${uid("shrink c 1")}`);
    expect(await shown("shrink")).toEqual([1, 1, id]);
    await remove(`${path}/${uid("shrink a")}/instances/${uid("shrink a 2")}`);
    expect(await shown("shrink")).toBe("none");
    await store({ study: "shrink", image: "1", patient: "sh" });
    expect(await shown("shrink")).toEqual([1, 1, id]);
  });

  test("a study that is deleted leaves FHIR, and its Patient stays", async () => {
    await store({ study: "deleted", image: "1", patient: "de" });
    await remove(`/studies/${uid("deleted")}`);
    expect(await shown("deleted")).toBe("none");
    const values = (await stack.fhir.patients()).map(({ identifier }) => identifier?.[0]?.value);
    expect(values).toContain(`${stack.seed}-de`);
  });

  test("images of a wrong worklist entry leave FHIR by their rejection note, the last one with the study; without the note it is back", async () => {
    const study = "rejected";
    const image = (name: string) => seededUid(stack.seed, `${study} a ${name}`);
    const rejects = (...names: string[]): Dataset => ({
      "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.88.59"),
      "00080060": el("CS", "KO"),
      "0040A043": el("SQ", {
        "00080100": el("SH", "113038"),
        "00080102": el("SH", "DCM"),
        "00080104": el("LO", "Incorrect Modality Worklist Entry"),
      }),
      "0040A375": el("SQ", {
        "0020000D": el("UI", uid(study)),
        "00081115": el("SQ", {
          "0020000E": el("UI", seededUid(stack.seed, `${study} a`)),
          "00081199": el(
            "SQ",
            ...names.map((name) => ({ "00081150": el("UI", SOP_CLASS), "00081155": el("UI", image(name)) })),
          ),
        }),
      }),
    });
    const patient = "rej";
    await store({ study, image: "1", patient }, { study, image: "2", patient });
    await store({ study, series: "ko", image: "k1", patient, more: rejects("1") });
    expect(await shown(study)).toEqual([1, 1, `${stack.seed}-rej`]);
    await store({ study, series: "ko", image: "k2", patient, more: rejects("2") });
    expect(await shown(study)).toBe("none");
    const note = (name: string) =>
      `series/${seededUid(stack.seed, `${study} ko`)}/instances/${seededUid(stack.seed, `${study} ko ${name}`)}`;
    await remove(`/studies/${uid(study)}/${note("k1")}`);
    expect(await shown(study)).toEqual([1, 1, `${stack.seed}-rej`]);
  });

  test("a study that moves to another patient is that patient's", async () => {
    await store({ study: "move", image: "1", patient: "m1" }, { study: "other", image: "1", patient: "m2" });
    await bulkUpdate("move", { "00100010": el("PN", personName("Name^m2")), "00100020": el("LO", `${stack.seed}-m2`) });
    expect(await shown("move")).toEqual([1, 1, `${stack.seed}-m2`]);
    expect((await studyOf("move"))?.subject.reference).toBe((await studyOf("other"))?.subject.reference);
  });

  test("a study whose Patient ID is emptied is nobody's, and its patient's again when it is restored", async () => {
    await store({ study: "empty", image: "1", patient: "em" });
    const before = await studyOf("empty");
    await bulkUpdate("empty", { "00100020": el("LO") });
    expect((await studyOf("empty"))?.subject.reference).toBeUndefined();
    await bulkUpdate("empty", { "00100020": el("LO", `${stack.seed}-em`) });
    expect((await studyOf("empty"))?.subject).toEqual(before?.subject);
    expect(await shown("empty")).toEqual([1, 1, `${stack.seed}-em`]);
  });

  test(
    "nothing failed, and everything is valid",
    async () => {
      expect((await stack.state.counts()).failed).toBe(0);
      await expectValid(stack);
    },
    LONG_TEST_MS,
  );
});

// The FHIR server has no part in it.
(FHIR_E2E_URL === undefined ? describe : describe.skip)("where reading starts", () => {
  const open = async (start: string, count: number) => {
    const own = await startStack({ env: { FEED_START: start } });
    for (let n = 1; n <= count; n++) own.dicom.store(file(own, { study: `s${n}`, image: "1", patient: "p" }));
    own.worker();
    await own.settled();
    return own;
  };
  const names = async ({ fhir, seed }: Stack, count: number) => {
    const uids = new Set((await fhir.studies()).map(uidOf));
    return Array.from({ length: count }, (_, n) => n + 1).filter((n) => uids.has(seededUid(seed, `s${n}`)));
  };

  test("from a sequence in the middle, the studies after it are read and the others left alone", async () => {
    const own = await open("3", 6);
    expect(await names(own, 6)).toEqual([4, 5, 6]);
    await own.close();
  });

  test("from now on, old studies are left alone until something of theirs changes", async () => {
    const own = await open("now", 3);
    expect(await names(own, 4)).toEqual([]);
    own.dicom.store(file(own, { study: "s4", image: "1", patient: "p" }));
    own.dicom.store(file(own, { study: "s2", image: "2", patient: "p" }));
    await own.settled();
    expect(await names(own, 4)).toEqual([2, 4]);
    expect((await own.fhir.studies()).map((one) => one.numberOfInstances).sort()).toEqual([1, 2]);
    await own.close();
  });
});

describe("beside others", () => {
  let own: Stack;
  beforeAll(async () => {
    own = await startStack();
    own.worker();
    await own.playDay();
    await own.settled();
  });
  afterAll(() => own?.close());

  test("what others have added stays, and the second resync of all writes nothing", async () => {
    const foreign = {
      tag: { system: "urn:test:other", code: "mine" },
      note: { text: "seen by others" },
      identifier: { system: "urn:test:other", value: "X1" },
      extension: { url: "urn:test:other", valueString: "mine" },
    };
    const mix = (one: ImagingStudy | Patient) => ({
      ...one,
      meta: { ...one.meta, tag: [...(one.meta?.tag ?? []), foreign.tag] },
      identifier: [foreign.identifier, ...(one.identifier ?? [])],
      extension: [...(one.extension ?? []), foreign.extension],
    });
    for (const study of await own.fhir.studies())
      await own.fhir.put({ ...mix(study), note: [foreign.note] } as ImagingStudy);
    for (const patient of await own.fhir.patients()) await own.fhir.put(mix(patient) as Patient);

    await own.run("resync", "--all");
    await own.settled();
    const first = await own.fhir.versions();
    await own.run("resync", "--all");
    await own.settled();
    expect(await own.fhir.versions()).toBe(first);
    const studies = await own.fhir.studies();
    for (const one of [...studies, ...(await own.fhir.patients())]) {
      expect(one.meta?.tag).toContainEqual(foreign.tag);
      expect(one.identifier).toContainEqual(foreign.identifier);
      expect(one.extension).toContainEqual(foreign.extension);
    }
    for (const { note } of studies) expect(note).toEqual([foreign.note]);
    await expectTruth(own, dayTruth(own.seed));
  });

  test("a study that others' additions stand on still follows its changes", async () => {
    const [first] = hospitalDayEvening({ seed: own.seed });
    const series = first?.series[0];
    const path = `/studies/${first?.studyInstanceUid}/series/${series?.seriesInstanceUid}`;
    await fetch(`${own.dicom.url}/v2${path}`, { method: "DELETE" });
    await own.settled();
    const study = (await own.fhir.studies()).find((one) => uidOf(one) === first?.studyInstanceUid);
    expect(study?.numberOfSeries).toBe((first?.series.length ?? 0) - 1);
    expect(study?.note).toEqual([{ text: "seen by others" }]);
  });
});

(FHIR_E2E_URL === undefined ? test : test.skip)(
  "a purged FHIR server is filled again by resync --all, byte for byte",
  async () => {
    const own = await startStack();
    own.worker();
    await own.playDay();
    await own.settled();
    const before = await bytesOf(own);
    own.fhir.emulator?.clear();
    expect(await own.fhir.studies()).toEqual([]);
    await own.run("resync", "--all");
    await own.settled();
    expect(await bytesOf(own)).toEqual(before);
    await own.close();
  },
);
