/** Studies that are huge, endless, or nested without end: what is too large fails by itself and is shown, the others are synced, and memory stays small. */
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "@jest/globals";
import { createSyntheticBackend } from "../../emulators/dicom/synthetic.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import { AS_STARTED, closeAll, drip, expectSmallMemory, pour, serveFront } from "./surroundings.ts";

let pipeline: Pipeline;
afterEach(async () => {
  await pipeline.close();
  await closeAll();
});

const MEGABYTE = 1024 * 1024;
const more = async () => JSON.stringify(await pipeline.status());
const json = (text: string) => text.replaceAll("'", '"');

/** The Study Instance UIDs of the service. */
async function studyUids(): Promise<string[]> {
  const answer = await fetch(`${pipeline.dicom.url}/v2/studies?limit=200`, {
    headers: { accept: "application/dicom+json" },
  });
  const rows = (await answer.json()) as { "0020000D": { Value: [string] } }[];
  return rows.map((row) => row["0020000D"].Value[0]);
}

function instance(study: string, n: number, elements = ""): string {
  const own = `{'00080016':{'vr':'UI','Value':['1.2.840.10008.5.1.4.1.1.2']},'00080018':{'vr':'UI','Value':['${study}.1.${n}']},`;
  return json(
    `${own}'0020000D':{'vr':'UI','Value':['${study}']},'0020000E':{'vr':'UI','Value':['${study}.1']},'00080060':{'vr':'CS','Value':['CT']},'00100020':{'vr':'LO','Value':['P1']}${elements}}`,
  );
}

test("studies without end (instances, white space zipped small, elements that are none) fail by themselves and are told, the others are synced", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 8, images: 2 } } });
  const [instances = "", blanks = "", elements = "", ...good] = await studyUids();
  const bomb = gzipSync(Buffer.alloc(32 * MEGABYTE, " "));
  const url = await serveFront(pipeline.dicom.url, (request, response) => {
    const study = /studies\/([0-9.]+)\/metadata$/.exec(request.url ?? "")?.[1];
    if (study === undefined || good.includes(study)) return false;
    if (study === blanks) {
      response.writeHead(200, { "content-type": "application/dicom+json", "content-encoding": "gzip" });
      void pour(response, [gzipSync("["), ...Array.from({ length: 64 }, () => bomb)]);
      return true;
    }
    response.writeHead(200, { "content-type": "application/dicom+json" });
    response.write("[");
    void pour(response, endless(study === instances ? (n) => `${instance(study, n)},` : () => "1,".repeat(1000)));
    return true;
  });
  const worker = pipeline.worker({
    ...AS_STARTED,
    DICOM_URL: url,
    DICOM_MAX_STUDY_INSTANCES: "2000",
    DICOM_MAX_STUDY_BYTES: String(100 * MEGABYTE),
  });
  await until("the good ones", () => instancesByStudy(pipeline.fhir).size >= good.length, { more });
  await until("the large ones", async () => (await pipeline.status()).studies.failed === 3, { more, limitMs: 40_000 });
  const { failed } = await pipeline.status();
  expect(failed.map(({ study, code }) => `${study.split("/")[1]} ${code}`).sort()).toEqual(
    [instances, blanks, elements].map((study) => `${study} STUDY_TOO_LARGE`).sort(),
  );
  expect((await page(worker, "/livez")).status).toBe(200);
  expect((await page(worker, "/metrics")).text).toMatch(/sync_failures_total\{code="STUDY_TOO_LARGE"\} 3/);
  expectSmallMemory(worker);
}, 90_000);

test("a study that drips for ever is given up after DICOM_STUDY_TIMEOUT_MS and read instance by instance", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 2, images: 2 } } });
  const [dripping = ""] = await studyUids();
  let asked = 0;
  const url = await serveFront(pipeline.dicom.url, (request, response) => {
    if (!(request.url ?? "").endsWith(`studies/${dripping}/metadata`)) return false;
    asked++;
    response.writeHead(200, { "content-type": "application/dicom+json" });
    response.write("[");
    drip(response, " ", 20);
    return true;
  });
  const worker = pipeline.worker({ ...AS_STARTED, DICOM_URL: url, DICOM_STUDY_TIMEOUT_MS: "1000" });
  await until("both", () => instancesByStudy(pipeline.fhir).size === 2, { more });
  expect([...instancesByStudy(pipeline.fhir).values()]).toEqual([2, 2]);
  expect(asked).toBeGreaterThan(1);
  expectSmallMemory(worker);
});

function* endless(piece: (n: number) => string): Generator<string> {
  for (let n = 1; ; n++) yield piece(n);
}

test("a study of 20,000 instances is synced; one of 1,000,000 fails as STUDY_TOO_LARGE, with all its entries read", async () => {
  const images = 1_000_000;
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 1, images } } });
  const limits = { FEED_START: String(images - 1000), DICOM_MAX_STUDY_INSTANCES: "3000" };
  const worker = pipeline.worker({ ...AS_STARTED, ...limits });
  await until("it is told", async () => (await pipeline.status()).failed[0]?.code === "STUDY_TOO_LARGE", {
    more,
    limitMs: 40_000,
  });
  await until("the feed is read", async () => (await pipeline.status()).feed.scan === images, { more });
  expect((await page(worker, "/")).text).toContain("DICOM_MAX_STUDY_INSTANCES");
  expect(instancesByStudy(pipeline.fhir).size).toBe(0);
  expectSmallMemory(worker);
  expect(await worker.stop()).toBe(0);
  await pipeline.close();

  pipeline = await startPipeline({ dicom: { synthetic: { studies: 1, images: 20_000 } } });
  const second = pipeline.worker({ ...AS_STARTED, FEED_START: "19000" });
  await until("it is there", () => [...instancesByStudy(pipeline.fhir).values()][0] === 20_000, {
    more,
    limitMs: 40_000,
  });
  expectSmallMemory(second);
}, 120_000);

/** HOSTILE_STUDIES=10000 for the number of the requirement, which takes minutes. */
const STUDIES = Number(process.env["HOSTILE_STUDIES"] ?? 500);

test(
  `${STUDIES} studies of one patient make one Patient`,
  async () => {
    const backend = createSyntheticBackend({ studies: STUDIES, images: 1 });
    const onePatient = <V extends { json(): string }>(view: V): V => ({
      ...view,
      json: () => view.json().replace(/("00100020":\{"vr":"LO","Value":\[")[^"]*/, "$1ONE"),
    });
    pipeline = await startPipeline({
      dicom: {
        backend: {
          ...backend,
          *instances(scope) {
            for (const view of backend.instances(scope)) yield onePatient(view);
          },
        },
      },
    });
    const worker = pipeline.worker({ ...AS_STARTED, LOW_PENDING_MAX: "10000" });
    await until("all", () => instancesByStudy(pipeline.fhir).size === STUDIES, {
      more,
      limitMs: 20_000 + STUDIES * 200,
    });
    expect(pipeline.fhir.resources("Patient")).toHaveLength(1);
    expectSmallMemory(worker);
  },
  30_000 + STUDIES * 200,
);

test("sequences 64 levels deep are read; 100,000 levels and values of 15 MB spoil at most their own instance", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 2, images: 2 } } });
  const [deep = "", good = ""] = await studyUids();
  const nested = (levels: number, tag: string) =>
    `,'${tag}':${`{'vr':'SQ','Value':[{'${tag}':`.repeat(levels)}{'vr':'SQ'}${"}]}".repeat(levels)}`;
  const brackets = (levels: number, tag: string) =>
    `,'${tag}':{'vr':'SQ','Value':${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const dense = (tag: string) => `,'${tag}':{'vr':'SQ','Value':[${"{},".repeat(4.9 * MEGABYTE)}{}]}`;
  const elements = [
    nested(64, "00081140"),
    nested(64, "00400275"),
    nested(100_000, "00400275"),
    nested(100_000, "00089999"),
    brackets(100_000, "00081140"),
    brackets(5 * MEGABYTE, "00400275"),
    brackets(5 * MEGABYTE, "00089999"),
    dense("00400275"),
    dense("00089999"),
  ];
  const url = await serveFront(pipeline.dicom.url, (request, response) => {
    if (!(request.url ?? "").endsWith(`studies/${deep}/metadata`)) return false;
    response.writeHead(200, { "content-type": "application/dicom+json" });
    void pour(response, [`[${elements.map((element, n) => instance(deep, n + 1, element)).join()}]`]);
    return true;
  });
  const worker = pipeline.worker({ ...AS_STARTED, DICOM_URL: url });
  await until("both", () => instancesByStudy(pipeline.fhir).size === 2, {
    more: async () => `${await more()}\n${worker.output()}`,
  });
  const counts = instancesByStudy(pipeline.fhir);
  expect(counts.get(good)).toBe(2);
  const { studies } = await pipeline.status();
  expect(studies).toMatchObject({ failed: 0 });
  const rejected = JSON.parse((await pipeline.command(["rejected", "--json"])).stdout);
  expect((counts.get(deep) ?? 0) + rejected.studies[0].instances.length).toBe(elements.length);
  expectSmallMemory(worker);
}, 90_000);
