/** Feeds that are too large, endless, or not what they say: the other entries get through, and what cannot be read is counted and shown. */
import { afterEach, expect, test } from "@jest/globals";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import { AS_STARTED, closeAll, drip, expectSmallMemory, pour, serveFront } from "./surroundings.ts";

let pipeline: Pipeline;
afterEach(async () => {
  await pipeline.close();
  await closeAll();
});

const MEGABYTE = 1024 * 1024;

/** The window of a page request: API v1 gives offset and limit. */
function windowOf(url: string): { after: number; to: number } | undefined {
  const { pathname, searchParams } = new URL(url, "http://x");
  if (pathname !== "/v1/changefeed") return undefined;
  const after = Number(searchParams.get("offset"));
  return { after, to: after + Number(searchParams.get("limit")) };
}

const covers = (url: string, sequence: number) => {
  const window = windowOf(url);
  return window !== undefined && window.after < sequence && sequence <= window.to;
};

const state = async () => JSON.stringify(await pipeline.status());

function* hundredMegabytes(): Generator<string> {
  yield `[{"sequence":3,"studyInstanceUid":"1.2","seriesInstanceUid":"1.3","sopInstanceUid":"1.4","metadata":{"00100010":{"vr":"PN","Value":["`;
  const piece = "x".repeat(MEGABYTE);
  for (let n = 0; n < 100; n++) yield piece;
  yield `"]}}}]`;
}

test("an entry that comes with metadata of 100 MB holds up no other: it stays a hole, and the feed's error is counted", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 20, images: 1 } } });
  const url = await serveFront(pipeline.dicom.url, (request, response) => {
    if (!covers(request.url ?? "", 3)) return false;
    response.writeHead(200, { "content-type": "application/json" });
    void pour(response, hundredMegabytes());
    return true;
  });
  const worker = pipeline.worker({ ...AS_STARTED, DICOM_URL: url, GRACE_MS: "60000" });
  await until("all others", () => instancesByStudy(pipeline.fhir).size === 19, { more: state });
  await until("a hole", async () => (await pipeline.status()).feed.ranges.some(({ holes }) => holes > 0), {
    more: state,
  });
  expect((await page(worker, "/livez")).status).toBe(200);
  expectSmallMemory(worker);
});

test("a page that never ends is given up after DICOM_TIMEOUT_MS, says so, and the feed goes on when it is cured", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 5, images: 1 } } });
  let endless = true;
  const url = await serveFront(pipeline.dicom.url, (request, response) => {
    if (!endless || windowOf(request.url ?? "") === undefined) return false;
    response.writeHead(200, { "content-type": "application/json" });
    response.write("[");
    drip(response, " ", 20);
    return true;
  });
  const worker = pipeline.worker({ ...AS_STARTED, DICOM_URL: url, DICOM_TIMEOUT_MS: "500" });
  await until("told", async () => (await page(worker, "/readyz")).text.includes("FEED_UNAVAILABLE"), {
    more: worker.output,
  });
  expect((await page(worker, "/livez")).status).toBe(200);
  expect((await page(worker, "/metrics")).text).toMatch(/studycast_feed_errors_total\{code="FEED_UNAVAILABLE"\} [1-9]/);
  endless = false;
  await until("all", () => instancesByStudy(pipeline.fhir).size === 5, { more: state });
  expectSmallMemory(worker);
});

test("pages of the largest size allowed, nested as deep or split as small as they can be, are read and refused", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 5, images: 1 } } });
  const bodies = [
    `[${"[".repeat(100_000)}${"]".repeat(100_000)}]`,
    `[${"[],".repeat(1.3 * MEGABYTE)}[]]`,
    `[${"{},".repeat(1.3 * MEGABYTE)}{}]`,
    `{"a":${"[".repeat(1.9 * MEGABYTE)}${"]".repeat(1.9 * MEGABYTE)}}`,
    `[${'{"__proto__":{"sequence":1}},'.repeat(100_000)}{}]`,
  ];
  let asked = 0;
  const url = await serveFront(pipeline.dicom.url, (request, response) => {
    const body = windowOf(request.url ?? "") === undefined ? undefined : bodies[asked++];
    if (body === undefined) return false;
    response.writeHead(200, { "content-type": "application/json" });
    void pour(response, [body]);
    return true;
  });
  const worker = pipeline.worker({ ...AS_STARTED, DICOM_URL: url, GRACE_MS: "60000" });
  await until("all", () => instancesByStudy(pipeline.fhir).size === 5, { more: state });
  expect(asked).toBeGreaterThan(bodies.length);
  expectSmallMemory(worker);
});

test("UIDs with a line break, markup, a path or a null are no UIDs: the entries are listed as rejected, the others are synced", async () => {
  pipeline = await startPipeline();
  const bad = [
    "1.2\r\nX-Evil: 1",
    "<script>alert(1)</script>",
    "../../etc",
    "..",
    ".",
    "1.2/../3",
    "1.2?a=b",
    "1\u0000.2",
  ];
  for (const studyInstanceUid of bad) pipeline.dicom.control.appendRow({ members: { studyInstanceUid } });
  for (const partitionName of ["..", ".", "a/b", "p\r\nX: 1"]) {
    pipeline.dicom.control.appendRow({
      members: { partitionName },
      study: "1.2",
      series: "1.2.1",
      instance: "1.2.1.1",
    });
  }
  const asked: string[] = [];
  const url = await serveFront(pipeline.dicom.url, (request) => {
    asked.push(request.url ?? "");
    return false;
  });
  const worker = pipeline.worker({ ...AS_STARTED, DICOM_URL: url });
  await until("rejected", async () => (await pipeline.status()).feed.rejectedEntries === bad.length + 4, {
    more: state,
  });
  expect(asked.filter((path) => !/^\/v[12]\/(changefeed|partitions)/.test(path))).toEqual([]);
  expect((await pipeline.status()).studies).toMatchObject({ pending: 0, failed: 0 });
  const shown = (await pipeline.command(["rejected"])).stdout + worker.output() + (await page(worker, "/")).text;
  expect(shown).not.toMatch(/X-Evil|alert\(1\)|etc/);
});
