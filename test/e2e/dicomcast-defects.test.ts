/** What DICOMcast did wrong as a whole. Each test is named by what must not happen again. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type Dataset, el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { until } from "../faults/pipeline.ts";
import { FHIR_E2E_URL, type Stack, type StackOptions, startStack } from "./stack.ts";

let stack: Stack | undefined;
afterEach(async () => {
  await stack?.close();
  stack = undefined;
});

async function open(options: StackOptions = {}): Promise<Stack> {
  stack = await startStack(options);
  return stack;
}

function store({ dicom, seed }: Stack, study: string, number: number, more: Dataset = {}): void {
  const file = writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid(seed, `${study} ${number}`)),
    "00080060": el("CS", "CT"),
    "00100010": el("PN", personName("Some^Body")),
    "00100020": el("LO", `${seed}-p`),
    "0020000D": el("UI", seededUid(seed, study)),
    "0020000E": el("UI", seededUid(seed, `${study} series`)),
    "00200013": el("IS", number),
    ...more,
  });
  expect(dicom.store(file).stored).toBe(true);
}

const readsOf = ({ dicomProxy }: Stack) =>
  Object.entries(dicomProxy.counts().routes)
    .filter(([route]) => route.endsWith("/metadata"))
    .reduce((sum, [, { requests }]) => sum + requests, 0);

/** In which a real FHIR server has no part. */
const emulated = FHIR_E2E_URL === undefined ? test : test.skip;

describe("must not happen", () => {
  emulated(
    "a checkpoint that cannot be read for a while is taken for none, and the whole feed is read again",
    async () => {
      const own = await open();
      for (const study of ["a", "b", "c"]) store(own, study, 1);
      const first = own.worker();
      await own.settled();
      await first.stop();
      const redis = own.redis.redis;
      const key = `studycast:{${own.seed}}:checkpoint`;
      const before = await redis.hgetall(key);
      // Redis answers everything but the question for the checkpoint.
      await redis.call("ACL", "SETUSER", "default", "-hmget");
      own.dicomProxy.resetCounts();
      store(own, "d", 1);
      const second = own.worker();
      await until("the refusal", () => second.output().includes("REDIS_UNAUTHORIZED"));
      await delay(500); // time in which nothing may happen
      expect(await redis.hgetall(key)).toEqual(before);
      expect(readsOf(own)).toBe(0);
      await redis.call("ACL", "SETUSER", "default", "+hmget");
      await own.settled();
      expect(await own.fhir.studies()).toHaveLength(4);
      expect(readsOf(own)).toBe(1);
    },
  );

  test("a study that is deleted before it was read makes an error, or an ImagingStudy", async () => {
    const own = await open();
    store(own, "short", 1);
    store(own, "stays", 1);
    const path = `studies/${seededUid(own.seed, "short")}`;
    expect((await fetch(`${own.dicom.url}/v2/${path}`, { method: "DELETE" })).status).toBe(204);
    own.worker();
    await own.settled();
    expect((await own.state.counts()).failed).toBe(0);
    expect(await own.fhir.studies()).toHaveLength(1);
  });

  emulated("a study of many images is written once for each of them", async () => {
    const own = await open({ env: { SETTLE_MIN_MS: "200", SETTLE_MAX_MS: "2000" } });
    own.worker();
    await own.fhir.studies();
    for (let number = 1; number <= 300; number++) {
      store(own, "large", number);
      if (number % 10 === 0) await delay(30);
    }
    await own.settled();
    const [study] = await own.fhir.studies();
    expect(study?.numberOfInstances).toBe(300);
    const writes = Number(study?.meta?.versionId);
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(15);
  });

  test("the address that studycast itself uses is published, where another one is to be", async () => {
    const own = await open();
    store(own, "a", 1);
    own.worker();
    await own.settled();
    const [endpoint, ...more] = await own.fhir.endpoints();
    expect(more).toEqual([]);
    expect(endpoint?.address).toBe(own.options["DICOM_PUBLIC_URL"]);
  });

  test("an Endpoint that carries another address parks every study", async () => {
    const own = await open();
    store(own, "a", 1);
    const worker = own.worker();
    await own.settled();
    const [endpoint] = await own.fhir.endpoints();
    if (endpoint === undefined) throw new Error("no Endpoint");
    await worker.stop();
    await own.fhir.put({ ...endpoint, address: `http://old.example/${own.seed}` });
    store(own, "b", 1);
    own.worker();
    await own.settled();
    expect((await own.state.counts()).failed).toBe(0);
    expect((await own.fhir.endpoints()).map(({ address }) => address)).toEqual([own.options["DICOM_PUBLIC_URL"]]);
    expect(await own.fhir.studies()).toHaveLength(2);
  });
});
