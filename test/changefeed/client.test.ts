import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createFeedClient, msToTicks, textToTicks, ticksToMs, ticksToText } from "../../src/changefeed/index.ts";
import { answer, type Handler, row, type ScriptedFeed, startScriptedFeed } from "./scripted-feed.ts";

const { signal } = new AbortController();
let feed: ScriptedFeed | undefined;
afterEach(async () => feed?.close());

async function client(handle: Handler, options: Partial<Parameters<typeof createFeedClient>[0]> = {}) {
  feed = await startScriptedFeed(handle);
  return createFeedClient({ url: `${feed.url}/`, requestTimeoutMs: 300, maxBytes: 100_000, ...options });
}

describe("feed client", () => {
  test("asks for windows of sequences without metadata", async () => {
    const { page, latest } = await client((window, reply) => answer(7, window, reply));
    expect((await page(4, 100, signal)).entries.map(({ sequence }) => sequence)).toEqual([5, 6, 7]);
    expect((await latest(signal))?.sequence).toBe(7);
    expect(feed?.requests).toEqual([
      "/v1/changefeed?offset=4&limit=100&includeMetadata=false",
      "/v1/changefeed/latest?includeMetadata=false",
    ]);
  });

  test.each([
    ["204", (reply: Parameters<Handler>[1]) => reply.writeHead(204).end()],
    ["null", (reply: Parameters<Handler>[1]) => reply.end("null")],
    ["an empty body", (reply: Parameters<Handler>[1]) => reply.end()],
  ])("%s for latest is an empty feed", async (_, end) => {
    const { latest } = await client((_window, reply) => void end(reply));
    expect(await latest(signal)).toBeUndefined();
  });

  test("the time of a page is the server's, not ours", async () => {
    const { page } = await client((window, reply) => {
      reply.setHeader("date", "Thu, 01 Jan 2026 00:00:05 GMT");
      answer(1, window, reply);
    });
    expect((await page(0, 1, signal)).serverNow).toBe(msToTicks(Date.UTC(2026, 0, 1, 0, 0, 5)));
  });

  test("reads gzip, but not more than the cap, zipped or not", async () => {
    const { page } = await client((window, reply) => {
      if (window === "latest") return;
      const text = JSON.stringify(window.after === 0 ? [row(1)] : [row(2), "x".repeat(200_000)]);
      reply.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(text));
    });
    expect((await page(0, 1, signal)).entries).toHaveLength(1);
    await expect(page(1, 1, signal)).rejects.toMatchObject({ code: "FEED_RESPONSE" });
  });

  test.each([
    [400, "FEED_RESPONSE"],
    [401, "FEED_UNAUTHORIZED"],
    [403, "FEED_UNAUTHORIZED"],
    [404, "FEED_NOT_FOUND"],
    [408, "FEED_UNAVAILABLE"],
    [424, "FEED_UNAVAILABLE"],
    [429, "FEED_THROTTLED"],
    [503, "FEED_UNAVAILABLE"],
  ])("status %i is %s, with the time the server asks for and none of its text", async (status, code) => {
    const { page } = await client((_, reply) => void reply.writeHead(status, { "retry-after": "3" }).end("Doe^Jane"));
    const error = await page(0, 1, signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, detail: { status } });
    if (code === "FEED_UNAVAILABLE" || code === "FEED_THROTTLED") expect(error).toMatchObject({ retryAfterMs: 3000 });
    expect(String((error as Error).message)).not.toContain("Doe");
  });

  test.each([
    ["a web page", "<html></html>"],
    ["an object", "{}"],
    ["broken JSON", "[{"],
  ])("%s is not a feed", async (_, body) => {
    const { page } = await client((_window, reply) => void reply.end(body));
    await expect(page(0, 1, signal)).rejects.toMatchObject({ code: "FEED_RESPONSE" });
  });

  test("an answer that does not come in time, and a server that is gone, are FEED_UNAVAILABLE", async () => {
    const { page } = await client(() => undefined);
    await expect(page(0, 1, signal)).rejects.toMatchObject({ code: "FEED_UNAVAILABLE", detail: { kind: "timeout" } });
    await feed?.close();
    feed = undefined;
    await expect(page(0, 1, signal)).rejects.toMatchObject({ code: "FEED_UNAVAILABLE", detail: { step: "request" } });
  });

  test("after a 401 the token is renewed and the request sent once more, once", async () => {
    const sent: (string | undefined)[] = [];
    let token = 1;
    const authorize = { header: async () => `Bearer ${token}`, renew: () => void token++ };
    const { page } = await client(
      (window, reply) => {
        sent.push(reply.req.headers.authorization);
        if (token === 2) answer(1, window, reply);
        else reply.writeHead(401).end();
      },
      { authorize },
    );
    expect((await page(0, 1, signal)).entries).toHaveLength(1);
    expect(sent).toEqual(["Bearer 1", "Bearer 2"]);
    token = 5;
    await expect(page(0, 1, signal)).rejects.toMatchObject({ code: "FEED_UNAUTHORIZED" });
    expect(sent).toHaveLength(4);
  });
});

describe("timestamps", () => {
  test.each([
    ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.0000000Z"],
    ["2026-03-01T12:00:00.1234567+00:00", "2026-03-01T12:00:00.1234567Z"],
    ["2026-03-01T12:00:00.12345678901+05:30", "2026-03-01T06:30:00.1234567Z"],
    ["2026-03-01T12:00:00.5-0800", "2026-03-01T20:00:00.5000000Z"],
    ["1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999Z"],
  ])("%s keeps its 100 ns", (text, expected) => {
    expect(ticksToText(textToTicks(text) ?? 0n)).toBe(expected);
  });

  test("one tick makes a difference that milliseconds do not show", () => {
    const [a, b] = [textToTicks("2026-03-01T12:00:00.0000001Z"), textToTicks("2026-03-01T12:00:00.0000002Z")];
    expect((b ?? 0n) - (a ?? 0n)).toBe(1n);
    expect(ticksToMs(a ?? 0n)).toBe(ticksToMs(b ?? 0n));
  });

  test.each(["", "yesterday", "2026-13-01T00:00:00Z", "2026-03-01T12:00:00+xx:00", 7, null])("%p is none", (text) => {
    expect(textToTicks(text)).toBeUndefined();
  });
});
