import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import { el, writePart10 } from "../../emulators/samples/index.ts";
import { addRange, initialCheckpoint, parseCheckpoint } from "../../src/changefeed/index.ts";
import { type Following, feedClient, startFollowing, upTo } from "./following.ts";

let emulator: DicomEmulator;
let running: Following[] = [];

beforeEach(async () => {
  emulator = await startDicomEmulator();
  running = [];
});
afterEach(async () => {
  for (const following of running) await following.stop();
  await emulator.close();
});

const append = (count: number, from = 1) => {
  for (let n = from; n < from + count; n++) emulator.control.appendRow({ members: {}, instance: `1.2.3.1.${n}` });
};
async function start(...rest: [Parameters<typeof startFollowing>[1], Parameters<typeof startFollowing>[2]?]) {
  const following = await startFollowing(emulator.url, ...rest);
  running.push(following);
  return following;
}
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

describe("following the feed of a real service", () => {
  test("an empty feed is no error, and its first entries are read", async () => {
    const following = await start("beginning");
    await following.until("idle", () => following.statuses.at(-1)?.state === "following");
    append(3);
    await following.until("3 entries", () => following.sequences().length === 3);
    expect(following.sequences()).toEqual([1, 2, 3]);
  });

  test("every entry of a feed is read once, in its documented casing too", async () => {
    append(450);
    emulator.control.casing({ documented: true });
    const following = await start("beginning");
    await following.until("450 entries", () => following.sequences().length >= 450);
    append(120);
    await following.until("570 entries", () => following.sequences().length >= 570);
    expect(sorted(following.sequences())).toEqual(upTo(570));
    expect(following.sequences("live")).toEqual(upTo(570, 451));
    expect(following.pages[0]?.entries[0]).toMatchObject({ action: "create", study: "1.2.3" });
  });

  test("new entries do not wait for an archive that is still being read", async () => {
    append(1_000);
    const following = await start("beginning", { mayRead: async (priority) => priority === "live" });
    append(2);
    await following.until("the new ones", () => following.sequences("live").length === 2);
    expect(following.sequences("low")).toEqual([]);
  });

  test.each([1, 50, 10_000])(
    "a gap of %i sequences that are never used is passed and does not stay open",
    async (size) => {
      append(150);
      emulator.control.clock({ offsetMs: -60_000 });
      emulator.control.gap({ size });
      append(150);
      const following = await start("beginning");
      await following.until("300 entries", () => following.sequences().length >= 300);
      expect(sorted(following.sequences())).toEqual([...upTo(150), ...upTo(300 + size, 151 + size)]);
      await following.until("no low range", () => following.checkpoint().ranges.length === 1);
    },
  );

  test("an entry that is committed after a higher one is reported when it appears", async () => {
    append(1);
    const following = await start("now");
    emulator.control.hold({ writes: 1 });
    emulator.store(part10("1.2.9", "1.2.9.1", "1.2.9.1.1"));
    append(1);
    await following.until("the higher one", () => following.sequences().includes(3));
    emulator.control.release();
    await following.until("the late one", () => following.sequences().includes(2));
    expect(following.sequences()).toEqual([3, 2]);
    await following.until("no hole", () => following.checkpoint().ranges[0]?.holes.length === 0);
  });

  test("an entry that is committed after the grace period is found by the late read", async () => {
    append(1);
    const following = await start("now", { graceMs: 300, rereadAfterMs: 4_000 });
    emulator.control.hold({ writes: 1 });
    emulator.store(part10("1.2.9", "1.2.9.1", "1.2.9.1.1"));
    append(1);
    await following.until("expired", () => following.pages.some(({ expired }) => expired.length > 0), 10_000);
    expect(following.sequences()).toEqual([3]);
    emulator.control.release();
    await following.until("found", () => following.sequences("low").includes(2), 10_000);
    await following.until("done", () => following.checkpoint().ranges.length === 1);
  });

  test("malformed rows are named and hide nothing: unknown values mark their study, one without a study is rejected", async () => {
    append(1);
    emulator.control.appendRow({ members: { action: "Frobnicate", state: 7, surprise: {} }, study: "1.2.4" });
    emulator.control.appendRow({ members: { studyInstanceUid: "../x" } });
    emulator.control.appendRow({ members: {}, omit: ["sopInstanceUid", "timestamp"], study: "1.2.5" });
    append(1);
    const following = await start("beginning");
    await following.until("4 entries", () => following.sequences().length === 4);
    const entries = following.pages.flatMap((page) => page.entries);
    expect(entries[1]).toMatchObject({ study: "1.2.4", action: "unknown", state: "unknown" });
    expect(entries[2]).toMatchObject({ study: "1.2.5", sop: "" });
    expect(following.pages.flatMap((page) => page.rejected)).toEqual([
      { sequence: 3, code: "FEED_ENTRY_INVALID", what: "studyInstanceUid" },
      { sequence: 4, code: "FEED_ENTRY_INVALID", what: "sopInstanceUid" },
    ]);
    await following.until("read to its end", () => following.checkpoint().ranges.length === 1);
  });

  test("a feed that ends before the checkpoint stops the following, and nothing is read until it is right again", async () => {
    append(20);
    const before = await start("beginning");
    await before.until("20 entries", () => before.sequences().length === 20);
    emulator.control.reset({ toSequence: 5 });
    await before.until("stopped", () => before.statuses.at(-1)?.state === "stopped");
    expect(before.statuses.at(-1)).toEqual({ state: "stopped", code: "FEED_RESET" });
    append(15, 6);
    await before.until("healed", () => before.statuses.at(-1)?.state === "following");
    append(1);
    await before.until("entry 21", () => before.sequences().includes(21));
  });

  test("another feed that has grown past the checkpoint is told by an entry that no longer reads back", async () => {
    append(20);
    const before = await start("beginning");
    await before.until("20 entries", () => before.sequences().length === 20);
    await before.stop();
    emulator.control.reset();
    for (let n = 0; n < 30; n++) emulator.control.appendRow({ members: {}, study: "1.9.9", instance: `1.9.9.1.${n}` });
    const after = await start(parseCheckpoint(JSON.stringify(before.checkpoint())));
    await after.until("stopped", () => after.statuses.at(-1)?.state === "stopped");
    expect(after.sequences()).toEqual([]);
  });

  test("a start beyond the end of the feed is told as a reset, not waited for", async () => {
    append(5);
    const following = await start({ sequence: 500 });
    await following.until("stopped", () => following.statuses.at(-1)?.state === "stopped");
  });

  test("a start at a sequence or a time reads from there", async () => {
    append(10);
    const client = feedClient(emulator.url);
    const signal = new AbortController().signal;
    const tenth = await client.latest(signal);
    expect(await client.sequenceAt(tenth?.ticks ?? 0n, signal)).toBeLessThanOrEqual(10);
    expect(await client.sequenceAt((tenth?.ticks ?? 0n) + 10_000_000n * 3600n, signal)).toBeUndefined();
    const following = await start({ sequence: 7 });
    await following.until("3 entries", () => following.sequences().length === 3);
    expect(following.sequences()).toEqual([8, 9, 10]);
  });

  test("a range added for a resync is read beside, without repeating the rest", async () => {
    append(300);
    const latest = await feedClient(emulator.url).latest(new AbortController().signal);
    const checkpoint = addRange(initialCheckpoint("now", latest), { from: 101, to: 250 }, "resync-1");
    const following = await start(checkpoint);
    await following.until("done", () => following.pages.some(({ rangesDone }) => rangesDone.includes("resync-1")));
    expect(following.sequences()).toEqual(upTo(250, 101));
  });

  test("503, 429 with Retry-After, 401 and a service that is gone are waited out, with the reason told", async () => {
    append(5);
    const following = await start("beginning");
    await following.until("5 entries", () => following.sequences().length === 5);
    for (const [status, code] of [
      [503, "FEED_UNAVAILABLE"],
      [429, "FEED_THROTTLED"],
      [401, "FEED_UNAUTHORIZED"],
      [404, "FEED_NOT_FOUND"],
      [302, "FEED_RESPONSE"],
    ] as const) {
      emulator.control.status({ route: "any", status, ...(status === 429 ? { retryAfter: "30" } : {}) });
      await following.until(code, () => JSON.stringify(following.statuses.at(-1)).includes(code));
      emulator.control.clearFaults();
      await following.until("healed", () => following.statuses.at(-1)?.state === "following");
    }
    append(1);
    await following.until("6 entries", () => following.sequences().length === 6);
  });

  test("back-pressure stops every range and ends by itself", async () => {
    append(5);
    let open = false;
    const following = await start("now", { mayRead: async () => open });
    append(5);
    await following.until("backpressure", () => following.statuses.at(-1)?.state === "backpressure");
    expect(following.sequences()).toEqual([]);
    open = true;
    await following.until("5 entries", () => following.sequences().length === 5);
  });

  test("ends at once when aborted, also in the middle of a slow answer", async () => {
    append(5);
    emulator.control.delay({ route: "any", ms: 5_000 });
    const client = await startFollowing(emulator.url, initialCheckpoint("now", undefined));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await client.stop()).toBeLessThan(500);
  });

  test("an idle feed yields empty pages, so that a checkpoint stored by somebody else is noticed", async () => {
    append(1);
    const following = await start("beginning");
    await following.until("some", () => following.pages.filter((page) => page.entries.length === 0).length > 3);
  });
});

function part10(study: string, series: string, sop: string): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", sop),
    "00100020": el("LO", "P1"),
    "0020000D": el("UI", study),
    "0020000E": el("UI", series),
  });
}
