/** A whole service comes to FHIR once, and never twice. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hospitalDay, playHospitalDay } from "../../emulators/samples/index.ts";
import { FHIR_E2E_URL, LONG_TEST_MS, type Stack, startStack } from "./stack.ts";
import { bytesOf, dayTruth, expectTruth, expectValid, type TrueStudy } from "./truth.ts";

const shared = resolve(import.meta.dirname, "../../../shared");
const listed = resolve(shared, "examples/dicom-studies.json");
const present = existsSync(listed) && existsSync(resolve(shared, "dicom"));
if (!present) console.log("skipped: ../shared/dicom is not there");

type Listed = { byStudy: Record<string, Omit<TrueStudy, "uid">> };

function listedTruth(): TrueStudy[] {
  const { byStudy } = JSON.parse(readFileSync(listed, "utf8")) as Listed;
  return Object.entries(byStudy).map(([uid, { patientIds, series }]) => ({
    uid,
    patientIds,
    modalities: [],
    series: Object.fromEntries(Object.entries(series).map(([key, uids]) => [key, [...(uids as string[])].sort()])),
  }));
}

type Source = { name: string; open(): Promise<Stack>; truth(stack: Stack): TrueStudy[] };
const SOURCES: Source[] = [
  {
    name: "a generated hospital day",
    open: async () => {
      const stack = await startStack();
      await stack.playDay();
      return stack;
    },
    truth: ({ seed }) => dayTruth(seed),
  },
  ...(present
    ? [{ name: "real files", open: () => startStack({ load: resolve(shared, "dicom") }), truth: listedTruth }]
    : []),
];

describe.each(SOURCES)("$name", ({ open, truth }) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await open();
    stack.worker();
  });
  afterAll(() => stack?.close());

  test("every study becomes exactly one ImagingStudy with its series, instances, counts and subject", async () => {
    await stack.settled();
    expect((await stack.state.counts()).failed).toBe(0);
    await expectTruth(stack, truth(stack));
  });

  test("all resources are valid", () => expectValid(stack), LONG_TEST_MS);

  test("read again from sequence 0 with Redis kept: not one further write", async () => {
    const before = await stack.fhir.versions();
    await stack.run("checkpoint", "set", "0");
    await stack.settled();
    expect(await stack.fhir.versions()).toBe(before);
  });

  test("read again in another order of instances: not one further write", async () => {
    const before = await stack.fhir.versions();
    stack.dicom.control.shuffle({ seed: 7 });
    stack.dicomProxy.resetCounts();
    await stack.run("resync", "--all");
    await stack.settled();
    const reads = Object.entries(stack.dicomProxy.counts().routes).filter(([route]) => route.endsWith("/metadata"));
    expect(reads.reduce((sum, [, { requests }]) => sum + requests, 0)).toBeGreaterThanOrEqual(truth(stack).length);
    stack.dicom.control.shuffle({ seed: null });
    expect(await stack.fhir.versions()).toBe(before);
  });

  test("read again with Redis lost: not one further write", async () => {
    const before = await stack.fhir.versions();
    await stack.redis.redis.flushall();
    await stack.settled();
    expect(await stack.fhir.versions()).toBe(before);
    expect((await stack.state.counts()).failed).toBe(0);
  });
});

(FHIR_E2E_URL === undefined ? test : test.skip)(
  "another order of entries and of instances: the same bytes",
  async () => {
    const straight = await startStack();
    straight.worker();
    await straight.playDay();
    await straight.settled();
    const shuffled = await startStack({ seed: straight.seed });
    shuffled.dicom.control.shuffle({ seed: 3 });
    shuffled.worker();
    const steps = hospitalDay({ seed: straight.seed });
    const stores = steps.flatMap((step) =>
      step.kind === "store" ? [{ ...step, files: step.files.toReversed() }] : [],
    );
    await playHospitalDay(shuffled.dicom.url, [
      ...stores.toReversed(),
      ...steps.filter(({ kind }) => kind !== "store"),
    ]);
    await shuffled.settled();
    const [one, other] = await Promise.all([bytesOf(straight), bytesOf(shuffled)]);
    expect(Object.keys(one).length).toBeGreaterThan(dayTruth(straight.seed).length);
    expect(other).toEqual(one);
    await Promise.all([straight.close(), shuffled.close()]);
  },
);
