import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { el, personName } from "../../../emulators/samples/index.ts";
import { describeAzure, image, isAzure, onlyAzure, openTarget, type Target, uid } from "./target.ts";

type Json = Record<string, { vr: string; Value?: unknown[] }>;

let target: Target;
const [study, series, other] = [uid(), uid(), uid()];
const instances = [uid(), uid(), uid()];
beforeAll(async () => {
  target = await openTarget();
  const files = instances.map((instance, index) =>
    image({ study, series: index < 2 ? series : other, instance, name: "Müller^Änne" }),
  );
  expect((await target.stow(files)).status).toBe(200);
});
afterAll(async () => {
  await target.call(`/v2/studies/${study}`, { method: "DELETE" });
  await target.close();
});

describe("metadata", () => {
  test("of study, series and instance are arrays of datasets", async () => {
    const counts = [];
    for (const path of [
      `studies/${study}`,
      `studies/${study}/series/${series}`,
      `studies/${study}/series/${series}/instances/${instances[0]}`,
    ])
      counts.push((await target.json<Json[]>(`/v2/${path}/metadata`)).length);
    expect(counts).toEqual([3, 2, 1]);
  });

  test("text arrives decoded (Azure: as ASCII JSON)", async () => {
    const text = await (await target.call(`/v2/studies/${study}/metadata`)).text();
    expect(JSON.parse(text)[0]["00100010"]).toEqual({ vr: "PN", Value: [{ Alphabetic: "Müller^Änne" }] });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
    if (isAzure) expect(text).toMatch(/^[\u0000-\u007f]*$/);
  });

  onlyAzure("the ETag has no quotes, matches as a whole, and a match is a 304 without it", async () => {
    const path = `/v2/studies/${study}/metadata`;
    const etag = (await target.call(path)).headers.get("etag") ?? "";
    expect(etag).toMatch(/^\d+-3$/);
    const same = await target.call(path, { headers: { "if-none-match": etag } });
    expect([same.status, same.headers.get("etag"), await same.text()]).toEqual([304, null, ""]);
    expect((await target.call(path, { headers: { "if-none-match": `"${etag}"` } })).status).toBe(200);
  });

  onlyAzure("406 for an Accept without JSON, 400 for a bad UID, 404 for an unknown study", async () => {
    expect(
      (await target.call(`/v2/studies/${study}/metadata`, { headers: { accept: "application/dicom" } })).status,
    ).toBe(406);
    expect((await target.call("/v2/studies/abc/metadata")).status).toBe(400);
    expect((await target.call(`/v2/studies/${uid()}/metadata`)).status).toBe(404);
  });
});

describe("files", () => {
  test("an instance comes back as it was stored", async () => {
    const path = `/v2/studies/${study}/series/${series}/instances/${instances[0]}`;
    const response = await target.call(path, { headers: { accept: "application/dicom; transfer-syntax=*" } });
    expect(response.headers.get("content-type")).toMatch(/^application\/dicom/);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(128, 132).toString()).toBe("DICM");
  });

  test("a study comes as a multipart answer with one part per instance", async () => {
    const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*';
    const response = await target.call(`/v2/studies/${study}`, { headers: { accept } });
    expect(response.headers.get("content-type")).toMatch(/^multipart\/related/);
    expect(
      Buffer.from(await response.arrayBuffer())
        .toString("latin1")
        .split("DICM").length - 1,
    ).toBe(3);
  });
});

describe("search", () => {
  test("finds studies, series and instances; no hits are none", async () => {
    const found = [];
    for (const path of [
      `studies?StudyInstanceUID=${study}`,
      `studies/${study}/series`,
      `studies/${study}/instances`,
      `studies/${study}/series/${series}/instances`,
      `series?StudyInstanceUID=${study}&Modality=ct`,
      `instances?StudyInstanceUID=${study}&limit=2`,
      `instances?0020000D=${study}&offset=2`,
    ])
      found.push((await target.json<Json[]>(`/v2/${path}`)).length);
    expect(found).toEqual([1, 2, 3, 2, 2, 2, 1]);
    const none = await target.call(`/v2/studies?StudyInstanceUID=${uid()}`);
    // Both are DICOMweb's (PS3.18 §8.3.4.4); Azure's is 204.
    expect(none.status === 204 || (!isAzure && ((await none.json()) as unknown[]).length === 0)).toBe(true);
  });

  onlyAzure("v2 gives 8 attributes of a study by default; counts and modalities when asked for", async () => {
    const [plain] = await target.json<Json[]>(`/v2/studies?StudyInstanceUID=${study}`);
    expect(plain?.["0020000D"]?.Value).toEqual([study]);
    expect(plain?.["00201208"] ?? plain?.["00201206"]).toBeUndefined();
    const fields = "includefield=ModalitiesInStudy&includefield=NumberOfStudyRelatedInstances";
    const [more] = await target.json<Json[]>(`/v2/studies?StudyInstanceUID=${study}&${fields}`);
    expect(more?.["00080061"]?.Value).toEqual(["CT"]);
  });

  onlyAzure("a name matches without regard to case and accents", async () => {
    const exact = await target.json<Json[]>(
      `/v2/studies?StudyInstanceUID=${study}&PatientName=${encodeURIComponent("muller^anne")}`,
    );
    expect(exact).toHaveLength(1);
    const fuzzy = await target.json<Json[]>(`/v2/studies?StudyInstanceUID=${study}&PatientName=ann&fuzzymatching=true`);
    expect(fuzzy).toHaveLength(1);
  });

  onlyAzure("a date range includes its ends", async () => {
    const status = async (range: string) =>
      (await target.call(`/v2/studies?StudyInstanceUID=${study}&StudyDate=${range}`)).status;
    expect([await status("20260102-20260102"), await status("-20260102"), await status("20260103-")]).toEqual([
      200, 200, 204,
    ]);
  });

  onlyAzure.each([
    "Rows=1",
    "PatientID=",
    "patientid=1",
    "PatientID=1&PatientID=2",
    "limit=0",
    "limit=201",
    "StudyInstanceUID=x",
    "includefield=all&includefield=Rows",
  ])("%s is refused with 400", async (query) => expect((await target.call(`/v2/studies?${query}`)).status).toBe(400));

  onlyAzure("a UID that the path already names is refused with 400", async () => {
    expect((await target.call(`/v2/studies/${study}/series?StudyInstanceUID=${study}`)).status).toBe(400);
  });
});

describeAzure("store", () => {
  test("the same instance twice is refused with 45070", async () => {
    const response = await target.stow([image({ study, series, instance: instances[0] as string })]);
    expect(response.status).toBe(409);
    const failed = ((await response.json()) as Json)["00081198"]?.Value?.[0] as Json;
    expect(failed["00081197"]).toEqual({ vr: "US", Value: [45070] });
  });

  test("some stored, some refused is a 202 that names both", async () => {
    const mine = uid();
    const response = await target.stow([
      image({ study: mine }),
      image({ study, series, instance: instances[0] as string }),
    ]);
    const body = (await response.json()) as Json;
    expect([response.status, body["00081199"]?.Value?.length, body["00081198"]?.Value?.length]).toEqual([202, 1, 1]);
    await target.call(`/v2/studies/${mine}`, { method: "DELETE" });
  });

  test("v2 takes an empty Patient ID with a warning and drops it; v1 refuses it", async () => {
    const mine = uid();
    const more = { "00100020": el("LO") };
    expect((await target.stow([image({ study: mine, more })], "/v1/studies")).status).toBe(409);
    expect((await target.stow([image({ study: mine, more })])).status).toBe(202);
    const [dataset] = await target.json<Json[]>(`/v2/studies/${mine}/metadata`);
    expect(dataset?.["00100020"]).toBeUndefined();
    await target.call(`/v2/studies/${mine}`, { method: "DELETE" });
  });

  test("a study UID in the URL must be that of the instance", async () => {
    const response = await target.stow([image()], `/v2/studies/${uid()}`);
    const failed = ((await response.json()) as Json)["00081198"]?.Value?.[0] as Json;
    expect([response.status, failed["00081197"]?.Value]).toEqual([409, [43264]]);
  });

  test("a single part is taken with the bare media type only", async () => {
    const mine = uid();
    const send = (type: string) =>
      target.call("/v2/studies", {
        method: "POST",
        body: Buffer.from(image({ study: mine })),
        headers: { "content-type": type },
      });
    expect((await send("application/json")).status).toBe(415);
    expect((await send("application/dicom")).status).toBe(200);
    await target.call(`/v2/studies/${mine}`, { method: "DELETE" });
  });
});

onlyAzure("deleting what does not exist is a 404", async () => {
  expect((await target.call(`/v2/studies/${uid()}`, { method: "DELETE" })).status).toBe(404);
});

onlyAzure("a bulk update writes one Update per instance and keeps the original metadata", async () => {
  const mine = uid();
  await target.stow([image({ study: mine }), image({ study: mine })]);
  const start = await target.latest();
  const body = JSON.stringify({
    studyInstanceUids: [mine],
    changeDataset: { "00100020": { vr: "LO", Value: ["P9"] }, "00100010": { vr: "PN", Value: [personName("Roe^Jo")] } },
  });
  const post = (version: string) =>
    target.call(`/${version}/studies/$bulkUpdate`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
  expect((await post("v1")).status).toBe(404);
  const accepted = await post("v2");
  const { id } = (await accepted.json()) as { id: string };
  expect(accepted.status).toBe(202);
  let done: Response;
  do done = await target.call(`/v2/operations/${id}`);
  while (done.status === 202);
  expect(await done.json()).toMatchObject({
    status: expect.stringMatching(/succeeded|completed/),
    results: { instanceUpdated: 2 },
  });
  const rows = (await target.entriesAfter(start)).filter(({ studyInstanceUid }) => studyInstanceUid === mine);
  expect(rows.map(({ action, state }) => [action, state])).toEqual([
    ["Update", "Current"],
    ["Update", "Current"],
  ]);
  const ids = async (headers: Record<string, string>) => {
    const list = (await (await target.call(`/v2/studies/${mine}/metadata`, { headers })).json()) as Json[];
    return list.map((dataset) => dataset["00100020"]?.Value?.[0]);
  };
  expect(await ids({})).toEqual(["P9", "P9"]);
  expect(await ids({ "msdicom-request-original": "true" })).toEqual(["P1", "P1"]);
  await target.call(`/v2/studies/${mine}`, { method: "DELETE" });
});
