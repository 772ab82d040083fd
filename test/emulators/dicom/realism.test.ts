import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../../emulators/dicom/index.ts";
import { type Entry, image, uid } from "../../contract/dicom/target.ts";

let emulator: DicomEmulator;
beforeEach(async () => {
  emulator = await startDicomEmulator();
});
afterEach(() => emulator.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(emulator.url + path, { headers });
const page = async (query = "limit=100") => (await (await get(`/v1/changefeed?${query}`)).json()) as Entry[];
const sequences = async () => (await page("limit=100&includeMetadata=false")).map(({ sequence }) => sequence);

describe("the feed", () => {
  test("an empty feed: no latest (204), an empty list", async () => {
    expect([(await get("/v1/changefeed/latest")).status, (await get("/v2/changefeed/latest")).status]).toEqual([
      204, 204,
    ]);
    expect(await page()).toEqual([]);
  });

  test("a lower sequence may be committed late; until then neither feed nor study show it", async () => {
    const study = uid();
    emulator.control.hold({ writes: 1 });
    emulator.store(image({ study }));
    emulator.store(image());
    expect(await sequences()).toEqual([2]);
    expect((await get(`/v2/studies/${study}/metadata`)).status).toBe(404);
    expect(emulator.control.release()).toEqual({ released: 1 });
    expect(await sequences()).toEqual([1, 2]);
    expect((await get(`/v2/studies/${study}/metadata`)).status).toBe(200);
  });

  test("while a create is held the same instance is pending (45071); rolled back, it leaves a hole for ever", async () => {
    const file = image({ study: uid(), series: uid(), instance: uid() });
    emulator.control.hold({ writes: 1 });
    emulator.store(file);
    expect(emulator.store(file)).toMatchObject({ stored: false, failure: { code: 45071 } });
    emulator.control.rollBack();
    expect(emulator.store(file)).toMatchObject({ stored: true });
    expect(await sequences()).toEqual([2]);
  });

  test.each([1, 50, 10_000])("a gap of %i sequences gives empty v1 pages, and v2 does not notice", async (size) => {
    emulator.store(image());
    emulator.control.gap({ size });
    emulator.store(image());
    expect(((await (await get("/v1/changefeed/latest")).json()) as Entry).sequence).toBe(size + 2);
    if (size > 100) expect(await page("offset=1&limit=100")).toEqual([]);
    const v2 = (await (await get("/v2/changefeed")).json()) as Entry[];
    expect(v2.map(({ sequence }) => sequence)).toEqual([1, size + 2]);
  });

  test("a create may carry a Timestamp older than its commit: v2 order differs from v1 order", async () => {
    emulator.store(image());
    emulator.control.clock({ createAgeMs: 60_000 });
    emulator.store(image());
    const v2 = (await (await get("/v2/changefeed?includeMetadata=false")).json()) as Entry[];
    expect([await sequences(), v2.map(({ sequence }) => sequence)]).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(((await (await get("/v2/changefeed/latest")).json()) as Entry).sequence).toBe(1);
  });

  test("the clock can be stopped in the past; timestamps have up to 7 digits, no zeros at the end, and +00:00", async () => {
    emulator.control.clock({ at: "2020-01-02T03:04:05.1200000Z" });
    emulator.store(image());
    emulator.control.clock({ at: "2020-01-02T03:04:06Z" });
    emulator.store(image());
    emulator.control.clock({ at: null });
    emulator.store(image());
    const [first, second, third] = (await page()).map(({ timestamp }) => timestamp);
    expect([first, second]).toEqual(["2020-01-02T03:04:05.12+00:00", "2020-01-02T03:04:06+00:00"]);
    expect(Math.abs(Date.parse(third ?? "") - Date.now())).toBeLessThan(60_000);
    const window = await get("/v2/changefeed?startTime=2020-01-02T03:04:05.1200000Z&endTime=2020-01-02T03:04:06Z");
    expect(((await window.json()) as Entry[]).map(({ sequence }) => sequence)).toEqual([1]);
  });

  test("a reset takes the feed back; what came later is gone, and numbers are given out again", async () => {
    const [kept, lost] = [uid(), uid()];
    emulator.store(image({ study: kept }));
    emulator.store(image({ study: lost }));
    emulator.control.reset({ toSequence: 1 });
    expect([await sequences(), (await get(`/v2/studies/${lost}/metadata`)).status]).toEqual([[1], 404]);
    emulator.store(image());
    expect(await sequences()).toEqual([1, 2]);
    emulator.control.reset();
    expect([await sequences(), (await get(`/v2/studies/${kept}/metadata`)).status]).toEqual([[], 404]);
  });

  test("rows can be malformed in any way", async () => {
    emulator.control.appendRow({ members: { action: "Frobnicate", state: 7 }, omit: ["sopInstanceUid"] });
    const [entry] = await page();
    expect(entry).toMatchObject({ sequence: 1, action: "Frobnicate", state: 7 });
    expect(Object.keys(entry ?? {})).not.toContain("sopInstanceUid");
  });

  test("the documented casing: Pascal case names, lower-case values, Z", async () => {
    emulator.store(image());
    emulator.control.casing({ documented: true });
    const [entry] = (await (await get("/v1/changefeed")).json()) as Record<string, string>[];
    expect([entry?.["Action"], entry?.["State"], entry?.["Timestamp"]?.endsWith("Z")]).toEqual([
      "create",
      "current",
      true,
    ]);
  });
});

describe("bad blobs and broken reads", () => {
  test("one bad blob fails the page with metadata (503, gone: 500), not the one without", async () => {
    const study = uid();
    emulator.store(image({ study }));
    emulator.control.badBlob({ study });
    const status = async (path: string) => (await get(path)).status;
    expect([
      await status("/v1/changefeed"),
      await status("/v2/changefeed"),
      await status("/v2/changefeed/latest"),
    ]).toEqual([503, 503, 503]);
    expect(await status("/v1/changefeed?includeMetadata=false")).toBe(200);
    emulator.control.clearFaults();
    emulator.control.badBlob({ study, kind: "gone" });
    expect(await status("/v1/changefeed")).toBe(500);
  });

  test("a study with a bad blob breaks off after status 200, its good instances can be read one by one", async () => {
    const [study, series, good, bad] = [uid(), uid(), uid(), uid()];
    emulator.store(image({ study, series, instance: bad }));
    emulator.store(image({ study, series, instance: good }));
    emulator.control.badBlob({ study, series, instance: bad });
    const response = await get(`/v2/studies/${study}/metadata`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    const one = (instance: string) => get(`/v2/studies/${study}/series/${series}/instances/${instance}/metadata`);
    expect([(await one(good)).status, (await one(bad)).status]).toEqual([200, 503]);
  });

  test("a study read breaks in the middle as often as told, and is whole then", async () => {
    const study = uid();
    for (let count = 0; count < 3; count++) emulator.store(image({ study }));
    emulator.control.breakStudyRead({ study, afterInstances: 2, times: 1 });
    const broken = await get(`/v2/studies/${study}/metadata`);
    let text = "";
    const reader = broken.body?.pipeThrough(new TextDecoderStream()).getReader();
    const readAll = async () => {
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) text += chunk.value;
    };
    await expect(readAll()).rejects.toThrow();
    expect(text.split('"0020000D"').length - 1).toBe(2);
    expect(await (await get(`/v2/studies/${study}/metadata`)).json()).toHaveLength(3);
  });
});

test("the order of instances in a study can be changed, the set stays", async () => {
  const study = uid();
  for (let count = 0; count < 8; count++) emulator.store(image({ study }));
  const read = async (seed: number | null) => {
    emulator.control.shuffle({ seed });
    const list = (await (await get(`/v2/studies/${study}/metadata`)).json()) as Record<string, { Value: string[] }>[];
    return list.map((dataset) => dataset["00080018"]?.Value[0]);
  };
  const [plain, one, same, two] = [await read(null), await read(1), await read(1), await read(2)];
  expect(one).toEqual(same);
  expect(new Set([plain.join(), one.join(), two.join()]).size).toBe(3);
  expect(one.toSorted()).toEqual(plain.toSorted());
});

test("a study read may break off even after its last instance", async () => {
  const study = uid();
  emulator.store(image({ study }));
  emulator.control.breakStudyRead({ study, afterInstances: 1, times: 1 });
  await expect((await get(`/v2/studies/${study}/metadata`)).text()).rejects.toThrow();
});

describe("a bulk update", () => {
  const post = (studies: string[], changeDataset: unknown) =>
    fetch(`${emulator.url}/v2/studies/$bulkUpdate`, {
      method: "POST",
      body: JSON.stringify({ studyInstanceUids: studies, changeDataset }),
    });
  const change = { "00100020": { vr: "LO", Value: ["P2"] } };

  test("is queued, runs, ends; meanwhile another one is a 409; old rows turn Replaced, on v1 too", async () => {
    const study = uid();
    emulator.store(image({ study }));
    emulator.store(image({ study }));
    emulator.control.operations({ ms: 100 });
    const accepted = await post([study, uid()], change);
    const { id } = (await accepted.json()) as { id: string };
    expect((await post([study], change)).status).toBe(409);
    const operation = async (api: number) => (await get(`/v${api}/operations/${id}`)) as Response;
    const pending = await operation(2);
    expect([pending.status, pending.headers.get("location")]).toEqual([202, `${emulator.url}/v2/operations/${id}`]);
    while ((await operation(2)).status === 202) await new Promise((resolve) => setTimeout(resolve, 10));
    const done = (await (await operation(2)).json()) as { status: string; results: unknown };
    expect(done).toMatchObject({
      status: "succeeded",
      results: { studyProcessed: 2, studyUpdated: 1, instanceUpdated: 2 },
    });
    expect(((await (await operation(1)).json()) as { status: string }).status).toBe("completed");
    const rows = await page();
    expect(rows.map(({ action, state }) => `${action} ${state}`)).toEqual([
      "Create Replaced",
      "Create Replaced",
      "Update Current",
      "Update Current",
    ]);
    expect(rows[2]?.timestamp).toBe(rows[3]?.timestamp);
    expect((await get("/v2/operations/0123")).status).toBe(404);
  });

  test("refuses a list that is empty or too long, and attributes it may not change", async () => {
    const long = Array.from({ length: 51 }, () => uid());
    expect([
      (await post([], change)).status,
      (await post(long, change)).status,
      (await post(["x"], change)).status,
    ]).toEqual([400, 400, 400]);
    const refused = await post([uid()], { "00080060": { vr: "CS", Value: ["MR"] } });
    expect([refused.status, Object.keys((await refused.json()) as object)]).toEqual([400, ["00741048"]]);
  });
});

describe("the HTTP layer", () => {
  test("a status fault ends after its uses, with or without Retry-After, on its route only", async () => {
    emulator.control.status({ route: "latest", status: 429, retryAfter: "2", times: 1 });
    emulator.control.status({ route: "latest", status: 503, times: 1 });
    const answers = [];
    for (let count = 0; count < 3; count++) {
      const response = await get("/v1/changefeed/latest");
      answers.push([response.status, response.headers.get("retry-after")]);
    }
    expect(answers).toEqual([
      [429, "2"],
      [503, null],
      [204, null],
    ]);
  });

  test("a slow page is slow", async () => {
    emulator.control.delay({ route: "feed", ms: 120, times: 1 });
    const start = performance.now();
    await page();
    expect(performance.now() - start).toBeGreaterThanOrEqual(115);
  });

  test("with authentication on: 401 with a challenge, 403 for a token without the role, 200 with the token", async () => {
    emulator.control.auth({ token: "good", forbidden: ["weak"] });
    const status = async (token: string) => (await get("/v1/changefeed", { authorization: `Bearer ${token}` })).status;
    const none = await get("/v1/changefeed");
    expect([none.status, await none.text(), none.headers.get("www-authenticate")]).toEqual([
      401,
      "",
      expect.stringMatching(/^Bearer /),
    ]);
    expect([await status("bad"), await status("weak"), await status("good")]).toEqual([401, 403, 200]);
  });

  test("the Date header can differ from the database's clock", async () => {
    emulator.control.date({ offsetMs: 3_600_000 });
    const ahead = Date.parse((await get("/health/check")).headers.get("date") ?? "") - Date.now();
    expect(Math.abs(ahead - 3_600_000)).toBeLessThan(5000);
  });

  test("a metadata request without Accept is a 406, an unsupported version a 400 with JSON", async () => {
    const study = uid();
    emulator.store(image({ study }));
    const { request } = await import("node:http");
    const status = await new Promise((resolve) =>
      request(`${emulator.url}/v2/studies/${study}/metadata`, (answer) => resolve(answer.resume().statusCode)).end(),
    );
    expect(status).toBe(406);
    const version = await get("/v9/changefeed");
    expect([version.status, version.headers.get("content-type")]).toEqual([400, expect.stringMatching(/json/)]);
  });

  test("every action works over POST /control too, and a wrong one is refused with the list", async () => {
    const post = (action: string, body: string) => fetch(`${emulator.url}/control/${action}`, { method: "POST", body });
    expect(await (await post("gap", '{"size":5}')).json()).toEqual({});
    emulator.store(image());
    expect(await sequences()).toEqual([6]);
    expect([
      (await post("gap", '{"size":-1}')).status,
      (await post("gap", "x")).status,
      (await post("gup", "")).status,
    ]).toEqual([400, 400, 404]);
    expect((await post("clock", '{"at":"yesterday"}')).status).toBe(400);
  });
});

describe("partitions", () => {
  test("off: the partition form is a 400 and so is the list", async () => {
    expect([
      (await get("/v2/partitions")).status,
      (await get(`/v2/partitions/a/studies/${uid()}/metadata`)).status,
    ]).toEqual([400, 400]);
  });

  test("on: the same study in two partitions is two studies; the feed covers both", async () => {
    const service = await startDicomEmulator({ partitions: true });
    const [study, series, instance] = [uid(), uid(), uid()];
    const file = image({ study, series, instance });
    const store = (path: string) =>
      fetch(service.url + path, {
        method: "POST",
        body: Buffer.from(file),
        headers: { "content-type": "application/dicom" },
      });
    expect([
      (await store("/v2/studies")).status,
      (await store("/v2/partitions/a/studies")).status,
      (await store("/v2/partitions/b/studies")).status,
    ]).toEqual([400, 200, 200]);
    const answered = await store("/v2/partitions/a/studies");
    expect(answered.status).toBe(409);
    const feed = (await (await fetch(`${service.url}/v1/changefeed`)).json()) as Entry[];
    expect(feed.map(({ partitionName }) => partitionName)).toEqual(["a", "b"]);
    await fetch(`${service.url}/v2/partitions/a/studies/${study}`, { method: "DELETE" });
    const status = async (partition: string) =>
      (await fetch(`${service.url}/v2/partitions/${partition}/studies/${study}/metadata`)).status;
    expect([await status("a"), await status("b"), await status("unknown")]).toEqual([404, 200, 400]);
    const list = (await (await fetch(`${service.url}/v2/partitions`)).json()) as { partitionName: string }[];
    expect(list.map(({ partitionName }) => partitionName)).toEqual(["Microsoft.Default", "a", "b"]);
    await service.close();
  });
});
