import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ImagingStudy, Patient } from "fhir/r4";
import { type HospitalDayStep, hospitalDay, hospitalDayEvening } from "../../emulators/samples/index.ts";
import { endDemos, leftovers, leftoversWithin, pressCtrlC, startDemo } from "./demo-process.ts";

const shared = resolve(import.meta.dirname, "../../../shared");
const hasFiles = existsSync(join(shared, "dicom"));
if (!hasFiles) console.log("skipped: ../shared/dicom is not there");

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-dump-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(endDemos);

const linesOf = async (path: string) =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** A folder with the files of one step. */
async function folderOf(step: HospitalDayStep | undefined): Promise<string> {
  const dir = await mkdtemp(join(folder, "files-"));
  const files = step?.kind === "store" ? step.files : [];
  await Promise.all(files.map((file, index) => writeFile(join(dir, `${index}.dcm`), file)));
  return dir;
}

describe("npm run demo -- --once", () => {
  test("brings the generated hospital day to FHIR, study for study, and ends with exit code 0", async () => {
    const file = join(folder, "day.ndjson");
    const demo = await startDemo(["--once", "--json", "--dump", file]);
    expect(await demo.ended).toEqual([0, null]);
    expect(await leftovers(demo)).toEqual([]);

    const evening = hospitalDayEvening();
    const stored = hospitalDay().reduce((sum, step) => sum + (step.kind === "store" ? step.files.length : 0), 0);
    const resources: (ImagingStudy | Patient | { resourceType: "Endpoint" })[] = await linesOf(file);
    const of = (type: string) => resources.filter(({ resourceType }) => resourceType === type);
    expect(demo.stdout().trimEnd().split("\n").length).toBe(1);
    expect(JSON.parse(demo.stdout())).toEqual({
      dicom: { stored, refused: 0, studies: evening.length },
      fhir: { Patient: of("Patient").length, ImagingStudy: evening.length, Endpoint: 1 },
      pending: 0,
      failed: 0,
      rejected: 0,
      seconds: expect.any(Number),
    });

    const studies = of("ImagingStudy") as ImagingStudy[];
    const patients = of("Patient") as Patient[];
    for (const { studyInstanceUid, patientId, series, instances } of evening) {
      const found = studies.filter(({ identifier }) => identifier?.[0]?.value === `urn:oid:${studyInstanceUid}`);
      expect(found.length).toBe(1);
      expect(found[0]).toMatchObject({ numberOfInstances: instances, numberOfSeries: series.length });
      const subject = patients.find(({ id }) => found[0]?.subject.reference === `Patient/${id}`);
      expect(subject?.identifier?.[0]?.value).toBe(patientId);
    }
  }, 60_000);

  (hasFiles ? test : test.skip)(
    "brings the studies of a folder to FHIR, refuses what the service refuses, and counts both",
    async () => {
      const truth: { stored: number; refused: unknown[]; studies: number } = JSON.parse(
        readFileSync(join(shared, "examples/dicom-studies.json"), "utf8"),
      );
      const demo = await startDemo(["--once", "--json", "--dicom", join(shared, "dicom")]);
      expect(await demo.ended).toEqual([0, null]);
      const { stored, refused, studies } = truth;
      expect(JSON.parse(demo.stdout())).toMatchObject({
        dicom: { stored, refused: refused.length, studies },
        fhir: { ImagingStudy: studies, Endpoint: 1 },
        pending: 0,
        failed: 0,
      });
      expect(await leftovers(demo)).toEqual([]);
    },
    60_000,
  );

  test("an empty folder is synced at once", async () => {
    const empty = await mkdtemp(join(folder, "empty-"));
    const demo = await startDemo(["--once", "--json", "--dicom", empty]);
    expect(await demo.ended).toEqual([0, null]);
    expect(JSON.parse(demo.stdout())).toMatchObject({ dicom: { stored: 0, refused: 0, studies: 0 }, pending: 0 });
  });

  test("interrupted before everything is synced it ends with exit code 75 and leaves nothing", async () => {
    const demo = await startDemo(["--once"]);
    await demo.shown("08:05");
    pressCtrlC(demo);
    expect(await demo.ended).toEqual([75, null]);
    expect(await leftovers(demo)).toEqual([]);
  });
});

describe("npm run demo", () => {
  test("shows the pages and one ImagingStudy, goes on until Ctrl-C, and leaves no process, socket or file", async () => {
    const demo = await startDemo(["--dicom", await folderOf(hospitalDay()[0])]);
    await demo.shown("Ctrl-C ends it.");
    const url = (label: string) => new RegExp(`^${label} +(http\\S+)`, "m").exec(demo.stdout())?.[1] ?? "";
    expect(await (await fetch(url("status page"))).text()).toContain("<h1>studycast demo</h1>");
    expect((await fetch(url("queue dashboard"))).status).toBe(200);
    expect((await fetch(`${url("FHIR server")}/ImagingStudy?_summary=count`)).status).toBe(200);
    expect((await fetch(`${url("DICOM service")}/v2/studies`)).status).toBe(200);
    expect(demo.stdout()).toContain('"resourceType": "ImagingStudy"');
    pressCtrlC(demo);
    expect(await demo.ended).toEqual([0, null]);
    expect(await leftovers(demo)).toEqual([]);
  }, 60_000);

  test("SIGTERM while files are stored ends it, and nothing is left", async () => {
    const demo = await startDemo([]);
    await demo.shown("08:05");
    demo.child.kill("SIGTERM");
    expect(await demo.ended).toEqual([0, null]);
    expect(await leftovers(demo)).toEqual([]);
  });

  test("SIGKILL leaves nothing either", async () => {
    const demo = await startDemo([]);
    await demo.shown("08:05");
    expect((await leftovers(demo)).length).toBeGreaterThan(1);
    demo.child.kill("SIGKILL");
    expect(await demo.ended).toEqual([null, "SIGKILL"]);
    expect(await leftoversWithin(demo, 5000)).toEqual([]);
  });

  test("it ends by itself when npm is killed", async () => {
    const demo = await startDemo([], ["npm", "run", "-s", "demo", "--"]);
    await demo.shown("08:05");
    demo.child.kill("SIGKILL");
    await demo.ended;
    expect(await leftoversWithin(demo, 10_000)).toEqual([]);
  }, 40_000);

  test.each([
    [["--dicom", "/nowhere"], "--dicom: /nowhere is no folder."],
    [["--dump", "/nowhere/file"], "--dump: /nowhere/file cannot be written."],
    [["--dump", "/"], "--dump: / cannot be written."],
    [["--onse"], "Unknown option '--onse'."],
    [["--dicom"], "--dicom"],
    [["folder"], "Unexpected argument 'folder'."],
  ])("%j is one line with what to type, exit code 1", async (args, sentence) => {
    const demo = await startDemo(args);
    expect(await demo.ended).toEqual([1, null]);
    expect(demo.stdout()).toBe("");
    expect(demo.stderr().trimEnd().split("\n").length).toBe(1);
    expect(demo.stderr()).toContain(sentence);
    expect(demo.stderr()).toContain("Try: npm run demo -- --help");
  });
});
