import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type Following, startFollowing, upTo } from "./following.ts";
import { answer, type Handler, type ScriptedFeed, startScriptedFeed } from "./scripted-feed.ts";

let feed: ScriptedFeed | undefined;
let following: Following | undefined;

afterEach(async () => {
  await following?.stop();
  await feed?.close();
  following = undefined;
});

async function start(
  handle: Handler,
  ...rest: [Parameters<typeof startFollowing>[1], Parameters<typeof startFollowing>[2]?]
) {
  feed = await startScriptedFeed(handle);
  following = await startFollowing(feed.url, ...rest);
  return { feed, following };
}
const contains = (window: Parameters<Handler>[0], sequence: number) =>
  window !== "latest" && sequence > window.after && sequence <= window.after + window.limit;
const SOON = { backoffCapMs: 40 };
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

describe("pages that fail by themselves", () => {
  test.each([500, 503, "broken JSON", "broken body"])(
    "entries around one that fails for ever (%s) are read, and it is kept for the late read",
    async (fault) => {
      const { following } = await start(
        (window, reply) => {
          if (!contains(window, 37) && !contains(window, 38)) return answer(120, window, reply);
          if (typeof fault === "number") return void reply.writeHead(fault).end("no");
          if (fault === "broken JSON") return void reply.end('[{"sequence":3');
          reply.writeHead(200, { "content-length": "1000" });
          reply.write('[{"sequence"');
          setTimeout(() => reply.destroy(), 5);
        },
        "beginning",
        SOON,
      );
      const all = upTo(120).filter((sequence) => sequence !== 37 && sequence !== 38);
      await following.until("118 entries", () => following.sequences().length >= 118, 25_000);
      expect(sorted(following.sequences())).toEqual(all);
      // The two expire one by one, in either order, and may lie in one late range or in two.
      const isLate = (sequence: number) =>
        following
          .checkpoint()
          .ranges.some(
            ({ notBefore, holes }) =>
              notBefore !== undefined && holes.some(({ from, to }) => from <= sequence && sequence <= to),
          );
      await following.until("both are kept for the late read", () => isLate(37) && isLate(38), 12_000);
    },
    40_000,
  );

  test("an entry that could not be read is reported when it can", async () => {
    let bad = true;
    const { following } = await start(
      (window, reply) => {
        if (bad && contains(window, 20)) return void reply.writeHead(500).end();
        answer(50, window, reply);
      },
      "beginning",
      SOON,
    );
    await following.until("49 entries", () => following.sequences().length === 49, 20_000);
    bad = false;
    await following.until("the last one", () => following.sequences().includes(20), 20_000);
  }, 45_000);

  test("a page that takes too long is read in smaller parts", async () => {
    const { following } = await start((window, reply) => {
      if (window !== "latest" && window.limit > 30) return;
      answer(100, window, reply);
    }, "beginning");
    await following.until("100 entries", () => following.sequences().length === 100, 20_000);
    expect(sorted(following.sequences())).toEqual(upTo(100));
  }, 30_000);

  test("a service that fails as a whole loses nothing and makes no holes", async () => {
    let down = false;
    const { following } = await start((window, reply) => {
      if (down && window !== "latest") return void reply.writeHead(503).end();
      answer(400, window, reply);
    }, "beginning");
    down = true;
    await wait(1_500);
    down = false;
    await following.until("400 entries", () => following.sequences().length === 400, 20_000);
    expect(sorted(following.sequences())).toEqual(upTo(400));
    expect(following.pages.flatMap(({ expired }) => expired)).toEqual([]);
  }, 30_000);

  test("an archive range in trouble does not hold up new entries", async () => {
    let count = 300;
    const { following } = await start((window, reply) => {
      if (window !== "latest" && window.after < 300) return void reply.writeHead(503).end();
      answer(count, window, reply);
    }, "beginning");
    await wait(300);
    count = 310;
    const startMs = Date.now();
    await following.until("the new ones", () => following.sequences("live").length === 10);
    expect(Date.now() - startMs).toBeLessThan(3_000);
  });
});

describe("load on the service", () => {
  test("no more pages are under way at once than the read-ahead allows", async () => {
    const { feed, following } = await start(
      (window, reply) => void setTimeout(() => answer(3_000, window, reply), 5),
      "beginning",
      { readAhead: 3 },
    );
    await following.until("3000 entries", () => following.sequences().length === 3_000);
    expect(feed.mostAtOnce()).toBeLessThanOrEqual(4);
    expect(feed.mostAtOnce()).toBeGreaterThanOrEqual(3);
  });

  test.each(["idle", "backpressure", "low stopped", "down", "reset"])("no busy turns while %s", async (state) => {
    let count = state === "reset" ? 1 : 5;
    let down = false;
    const { feed, following } = await start(
      (window, reply) => {
        if (down) return void reply.writeHead(503).end();
        answer(count, window, reply);
      },
      state === "low stopped" ? "beginning" : state === "reset" ? { sequence: 100 } : "now",
      {
        mayRead: async (priority) => state !== "backpressure" && (state !== "low stopped" || priority === "live"),
        pollMaxMs: 200,
      },
    );
    await following.until("a status", () => following.statuses.length > 0);
    if (state === "backpressure") count = 10;
    down = state === "down";
    await wait(700);
    const before = feed.requests.length;
    await wait(1_000);
    expect(feed.requests.length - before).toBeLessThanOrEqual(14);
    expect(feed.requests.length - before).toBeGreaterThanOrEqual(1);
  });

  test("a gap of 10,000 in old entries costs one look and a few bytes of the checkpoint", async () => {
    let count = 100;
    const { feed, following } = await start(
      (window, reply) => {
        if (window === "latest" || window.after < 100 || window.after >= 10_100) return answer(count, window, reply);
        reply.end("[]");
      },
      "now",
      { graceMs: 300_000, rereadAfterMs: 3_600_000 },
    );
    count = 10_150;
    await following.until("the entries behind it", () => following.sequences().length === 50);
    await following.until("given up", () => following.pages.some(({ expired }) => expired.length > 0));
    expect(feed.requests.length).toBeLessThan(300);
    expect(JSON.stringify(following.checkpoint()).length).toBeLessThan(1_000);
  });
});
