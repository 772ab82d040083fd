/** The commands of an operator against a worker that runs: what FHIR has lost comes back, and only what was asked for. */
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { hospitalDay, hospitalDayEvening, playHospitalDay } from "../../emulators/samples/index.ts";
import { instancesByStudy, type Pipeline, startPipeline, until } from "../faults/pipeline.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

const SEED = "commands";
const evening = hospitalDayEvening({ seed: SEED });
const all = evening.map((study) => study.studyInstanceUid).sort();
const [first] = evening;
if (first === undefined) throw new Error("the hospital day has studies");

let pipeline: Pipeline;
let worker: WorkerProcess;
let startedAt = "";
beforeAll(async () => {
  pipeline = await startPipeline();
  startedAt = new Date(Date.now() - 60_000).toISOString();
  await playHospitalDay(pipeline.dicom.url, hospitalDay({ seed: SEED }));
  worker = pipeline.worker();
  await untilFhirHolds(all);
});
afterAll(() => pipeline.close());
beforeEach(() => pipeline.fhir.clear());

async function untilFhirHolds(studies: readonly string[]): Promise<void> {
  const held = () => [...instancesByStudy(pipeline.fhir).keys()].sort();
  await until(
    "these studies and nothing pending",
    async () => held().join() === [...studies].sort().join() && (await pipeline.status()).studies.pending === 0,
    { more: async () => `${held().join("\n")}\n${JSON.stringify(await pipeline.status())}\n${worker.output()}` },
  );
}

async function done(...words: string[]): Promise<void> {
  const { code, stdout, stderr } = await pipeline.command([...words, "--json"]);
  expect([words, code, stderr]).toEqual([words, 0, ""]);
  expect(JSON.parse(stdout)).toMatchObject({ state: "done" });
}

test("resync --study brings this study back and no other", async () => {
  await done("resync", "--study", first.studyInstanceUid);
  await untilFhirHolds([first.studyInstanceUid]);
});

test("resync --patient brings back the studies of this patient", async () => {
  const own = evening.filter(({ patientId }) => patientId === first.patientId);
  await done("resync", "--patient", first.patientId ?? "");
  await untilFhirHolds(own.map((study) => study.studyInstanceUid));
});

test("resync --study-date brings back the studies of these days and none of others", async () => {
  await done("resync", "--study-date", "2026-03-03..2026-03-05");
  await untilFhirHolds([]);
  await done("resync", "--study-date", "2026-03-01..2026-03-02");
  await untilFhirHolds(all);
});

test("resync --changed-since brings back what the feed reports since then", async () => {
  await done("resync", "--changed-since", startedAt);
  await untilFhirHolds(all);
});

test("resync --all brings everything back, and a second time writes nothing", async () => {
  await done("resync", "--all");
  await untilFhirHolds(all);
  const writes = pipeline.fhir.writes();
  await done("resync", "--all");
  await untilFhirHolds(all);
  expect(pipeline.fhir.writes()).toBe(writes);
});

test("checkpoint set 0 reads the whole feed again, under the running worker; show says how far it is", async () => {
  const set = await pipeline.command(["checkpoint", "set", "0"]);
  expect([set.code, set.stderr]).toEqual([0, ""]);
  await untilFhirHolds(all);
  const shown = JSON.parse((await pipeline.command(["checkpoint", "show", "--json"])).stdout);
  expect(shown).toMatchObject({ version: 1, ranges: expect.arrayContaining([expect.objectContaining({ to: null })]) });
});

test("a study that left the DICOM service without a word is never removed by itself, only with --confirm-deletes", async () => {
  await done("resync", "--study", first.studyInstanceUid);
  await untilFhirHolds([first.studyInstanceUid]);
  const gone = new RegExp(`studies/${first.studyInstanceUid}|StudyInstanceUID=${first.studyInstanceUid}`).source;
  pipeline.dicomProxy.faults([
    { effect: { kind: "status", status: 404, body: "empty" }, path: `${gone}/metadata` },
    { effect: { kind: "status", status: 204, body: "empty" }, path: gone },
  ]);
  await done("resync", "--study", first.studyInstanceUid);
  await until("failed", async () => (await pipeline.status()).failed[0]?.code === "STUDY_VANISHED", {
    more: worker.output,
  });
  expect(instancesByStudy(pipeline.fhir).size).toBe(1);
  await done("resync", "--study", first.studyInstanceUid, "--confirm-deletes");
  await untilFhirHolds([]);
  expect((await pipeline.status()).studies.failed).toBe(0);
  pipeline.dicomProxy.clear();
  await done("resync", "--study", first.studyInstanceUid);
  await untilFhirHolds([first.studyInstanceUid]);
});

test("an entry and an instance that make no sense: the rest is written, both are listed in rejected --json", async () => {
  pipeline.dicom.control.appendRow({ members: { studyInstanceUid: "not a uid" } });
  await until("the entry", async () => (await pipeline.status()).feed.rejectedEntries === 1, { more: worker.output });
  const { code, stdout } = await pipeline.command(["rejected", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    feedEntries: [{ code: "FEED_ENTRY_INVALID", sequence: expect.any(Number), what: expect.any(String) }],
  });
  await done("resync", "--all");
  await untilFhirHolds(all);
});
