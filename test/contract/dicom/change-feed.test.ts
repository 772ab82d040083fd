import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { describeAzure, type Entry, image, openTarget, type Target, uid } from "./target.ts";

let target: Target;
beforeAll(async () => {
  target = await openTarget();
});
afterAll(() => target.close());

const ours = (entries: Entry[], study: string) => entries.filter((entry) => entry.studyInstanceUid === study);

describeAzure("the life of an instance in the feed", () => {
  test("store, delete, store again: state and metadata of old entries are today's", async () => {
    const [study, series, instance] = [uid(), uid(), uid()];
    const start = await target.latest();
    const file = image({ study, series, instance });
    expect((await target.stow([file])).status).toBe(200);
    const [created] = ours(await target.entriesAfter(start), study);
    expect(created).toMatchObject({
      partitionName: "Microsoft.Default",
      seriesInstanceUid: series,
      sopInstanceUid: instance,
    });
    expect(created).toMatchObject({ action: "Create", state: "Current" });
    expect(created?.metadata?.["00100020"]).toEqual({ vr: "LO", Value: ["P1"] });

    expect((await target.call(`/v2/studies/${study}`, { method: "DELETE" })).status).toBe(204);
    const deleted = ours(await target.entriesAfter(start), study);
    expect(deleted.map(({ action, state }) => [action, state])).toEqual([
      ["Create", "Deleted"],
      ["Delete", "Deleted"],
    ]);
    expect(deleted.every((entry) => entry.metadata === undefined)).toBe(true);

    expect((await target.stow([image({ study, series, instance, patientId: "P2" })])).status).toBe(200);
    const again = ours(await target.entriesAfter(start), study);
    expect(again.map(({ action, state }) => [action, state])).toEqual([
      ["Create", "Replaced"],
      ["Delete", "Replaced"],
      ["Create", "Current"],
    ]);
    expect(again.map((entry) => entry.metadata?.["00100020"]?.Value?.[0])).toEqual(["P2", "P2", "P2"]);
    await target.call(`/v2/studies/${study}`, { method: "DELETE" });
  });

  test("a deleted study gives one Delete per instance, all with one Timestamp", async () => {
    const study = uid();
    await target.stow([image({ study }), image({ study }), image({ study })]);
    const start = await target.latest();
    await target.call(`/v2/studies/${study}`, { method: "DELETE" });
    const rows = ours(await target.entriesAfter(start), study);
    expect(rows.map(({ action }) => action)).toEqual(["Delete", "Delete", "Delete"]);
    expect(new Set(rows.map(({ timestamp }) => timestamp)).size).toBe(1);
  });
});

describeAzure("reading the feed", () => {
  test("v1 reads a window of sequences, v2 a window of time with row paging", async () => {
    const study = uid();
    const start = await target.latest();
    await target.stow([image({ study }), image({ study })]);
    const window = await target.json<Entry[]>(`/v1/changefeed?offset=${start}&limit=1&includeMetadata=false`);
    expect(window.every(({ sequence }) => sequence === start + 1)).toBe(true);
    const all = ours(await target.entriesAfter(start), study);
    const from = encodeURIComponent((all[0] as Entry).timestamp);
    const byTime = await target.json<Entry[]>(`/v2/changefeed?startTime=${from}&limit=200&includeMetadata=false`);
    expect(ours(byTime, study).map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence));
    const second = await target.json<Entry[]>(
      `/v2/changefeed?startTime=${from}&offset=1&limit=1&includeMetadata=false`,
    );
    expect(second[0]?.sequence).toBe(byTime[1]?.sequence);
    await target.call(`/v2/studies/${study}`, { method: "DELETE" });
  });

  test("beyond the end the list is empty, not an error", async () => {
    const response = await target.call(`/v1/changefeed?offset=${(await target.latest()) + 1000}`);
    expect([response.status, await response.json()]).toEqual([200, []]);
  });

  test("metadata is left out on request, and stands in the entry otherwise", async () => {
    const study = uid();
    await target.stow([image({ study })]);
    const without = await target.json<Entry>("/v2/changefeed/latest?includeMetadata=false");
    const withIt = await target.json<Entry>("/v2/changefeed/latest");
    expect([without.metadata, typeof withIt.metadata]).toEqual([undefined, "object"]);
    await target.call(`/v2/studies/${study}`, { method: "DELETE" });
  });

  test.each([
    "/v1/changefeed?limit=0",
    "/v1/changefeed?limit=101",
    "/v1/changefeed?offset=-1",
    "/v1/changefeed?offset=x",
    "/v1/changefeed?offset=9223372036854775808",
    "/v1/changefeed?includeMetadata=0",
    "/v2/changefeed?limit=201",
    "/v2/changefeed?startTime=2026-01-01T00:00:00",
    "/v2/changefeed?startTime=yesterday",
    "/v2/changefeed?startTime=2026-01-02T00:00:00Z&endTime=2026-01-02T00:00:00Z",
    "/v1/changefeed?x=%3c",
  ])("%s is refused with 400", async (path) => {
    expect((await target.call(path)).status).toBe(400);
  });

  test("parameter names are read without regard to case, unknown ones are ignored", async () => {
    expect((await target.call("/v1/changefeed?LIMIT=1&OffSet=0&foo=bar&INCLUDEMETADATA=False")).status).toBe(200);
  });
});
