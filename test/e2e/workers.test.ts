/** Several workers, and workers that stand still or die at the worst moment. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  type Dataset,
  el,
  hospitalDay,
  playHospitalDay,
  seededUid,
  writePart10,
} from "../../emulators/samples/index.ts";
import { until } from "../faults/pipeline.ts";
import { FHIR_E2E_URL, LONG_TEST_MS, type Stack, type StackOptions, startStack } from "./stack.ts";
import { dayTruth, expectTruth, uidOf } from "./truth.ts";

let stack: Stack;
afterEach(() => stack?.close());

function image(n: number, more: Dataset = {}): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid(stack.seed, `image ${n}`)),
    "00080060": el("CS", "CT"),
    "00100010": el("PN", { Alphabetic: "Frozen^Study" }),
    "00100020": el("LO", `${stack.seed}-p`),
    "0020000D": el("UI", seededUid(stack.seed, "study")),
    "0020000E": el("UI", seededUid(stack.seed, "series")),
    ...more,
  });
}

/** What FHIR says of the one study of these tests: its number of instances, undefined without it. */
async function instancesInFhir(): Promise<number | undefined> {
  const uid = seededUid(stack.seed, "study");
  const found = (await stack.fhir.studies()).filter((one) => uidOf(one) === uid);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0]?.numberOfInstances;
}

test("two workers: one follows, both sync, and at most one sync of a study is in flight", async () => {
  // A sync reads its study once: two reads of one study at the same time would be two syncs.
  stack = await startStack({ env: { CONCURRENCY: "3" } });
  stack.dicomProxy.setLatency(30);
  const workers = [stack.worker(), stack.worker()];
  await Promise.all(workers.map(({ url }) => url));
  await stack.playDay();
  await stack.settled();
  await expectTruth(stack, dayTruth(stack.seed));
  expect((await stack.state.counts()).failed).toBe(0);
  const pages = await Promise.all(workers.map(async ({ url }) => (await fetch(`${await url}/metrics`)).text()));
  const values = (name: string) =>
    pages.map((page) =>
      [...page.matchAll(new RegExp(`^studycast_${name}(?:\\{[^}]*\\})? (\\d+)`, "gm"))].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      ),
    );
  expect(values("follower").sort()).toEqual([0, 1]);
  for (const syncs of values("syncs_total")) expect(syncs).toBeGreaterThan(0);
  const { maxInFlightByStudy } = stack.dicomProxy.counts();
  expect(Object.keys(maxInFlightByStudy).length).toBeGreaterThan(5);
  expect(Math.max(...Object.values(maxInFlightByStudy))).toBe(1);
});

/** When the held write goes on: as soon as its worker wakes, or when that has noticed that the study is no longer its own. */
const LATE_MS = 1500;

type Variant = { name: string; server: StackOptions; change(): Promise<void>; instances: number | undefined };
const CHANGES = [
  {
    name: "the study is deleted",
    instances: undefined,
    async change() {
      const uid = seededUid(stack.seed, "study");
      expect((await fetch(`${stack.dicom.url}/v2/studies/${uid}`, { method: "DELETE" })).status).toBe(204);
    },
  },
  {
    name: "a late image arrives",
    instances: 3,
    change: async () => {
      stack.dicom.store(image(3));
    },
  },
];
const SERVERS: { on: string; server: StackOptions }[] =
  FHIR_E2E_URL === undefined
    ? [
        { on: "the strict server", server: {} },
        { on: "one that answers as HAPI", server: { hapi: true } },
      ]
    : [{ on: "the given server", server: {} }];
/** A study that FHIR knows on every server; one that FHIR does not know on the first. */
const VARIANTS: (Variant & { on: string; when: string; stored: boolean; lateMs: number })[] = SERVERS.flatMap(
  (server, index) =>
    CHANGES.flatMap((change) => [
      { ...server, ...change, when: "known", stored: true, lateMs: 0 },
      ...(index === 0 ? [{ ...server, ...change, when: "new", stored: false, lateMs: 0 }] : []),
      { ...server, ...change, when: "new", stored: false, lateMs: LATE_MS },
    ]),
);

describe("a worker that is frozen between reading and writing", () => {
  test.each(VARIANTS)("$name meanwhile: FHIR ends right ($when study, $on, write $lateMs ms late)", async (variant) => {
    // However long it stands still, it hears the answer of its write.
    stack = await startStack({ ...variant.server, env: { FHIR_TIMEOUT_MS: "600000" } });
    const { dicom, fhirProxy } = stack;
    const frozen = stack.worker();
    await frozen.url;
    if (variant.stored) {
      dicom.store(image(1));
      await stack.settled();
    }
    // The write of this worker is held before it reaches the server; the other one's write passes.
    fhirProxy.faults([
      {
        method: "POST",
        body: '"method":"PUT","url":"ImagingStudy',
        nth: 1,
        effect: { kind: "hold", name: "write", when: "before" },
      },
    ]);
    dicom.store(image(1 + Number(variant.stored)));
    if (!variant.stored) dicom.store(image(2));
    await fhirProxy.whenHeld("write", AbortSignal.timeout(LONG_TEST_MS / 3));
    frozen.kill("SIGSTOP");
    const other = stack.worker();
    await other.url;
    await variant.change();
    await stack.settled();
    expect(await instancesInFhir()).toBe(variant.instances);

    frozen.kill("SIGCONT");
    await delay(variant.lateMs);
    fhirProxy.release("write");
    // The late write has had its effect, whoever has heard its answer; its worker loses, or marks the study again.
    const limitMs = LONG_TEST_MS / 3;
    await until("the answer of the late write", () => fhirProxy.counts().inFlight === 0, { limitMs });
    await until("the right end", async () => (await instancesInFhir()) === variant.instances, { limitMs });
    await stack.settled();
    expect(await instancesInFhir()).toBe(variant.instances);
    expect((await stack.state.counts()).failed).toBe(0);
  });
});

test(
  "a worker that is killed ten times during the load ends in the same state, with nothing failed",
  async () => {
    stack = await startStack({ env: { MAX_DEATHS: "100" } });
    stack.fhirProxy.setLatency(20);
    const day = playHospitalDay(stack.dicom.url, hospitalDay({ seed: stack.seed }), { pauseMs: 300 });
    for (let kills = 0; kills < 10; kills++) {
      const worker = stack.worker();
      await worker.url;
      // From before its checks have passed to the middle of its work.
      await delay(100 + kills * 70);
      await worker.stop("SIGKILL");
    }
    await day;
    stack.worker();
    await stack.settled();
    await expectTruth(stack, dayTruth(stack.seed));
    expect((await stack.state.counts()).failed).toBe(0);
  },
  2 * LONG_TEST_MS,
);
