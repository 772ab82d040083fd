import { describe, expect, test } from "@jest/globals";
import { untilAllEnd } from "../src/loops.ts";

describe("the loops of a process", () => {
  const until = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

  test("one that fails ends the others, and its error is told though another one hangs", async () => {
    const fatal = new AbortController();
    const loops = [Promise.reject(new Error("mistake")), until(fatal.signal), new Promise<void>(() => {})];
    await expect(untilAllEnd(loops, fatal, fatal.signal)).rejects.toThrow("mistake");
  });

  test("they end with the process, in order", async () => {
    const stop = new AbortController();
    const fatal = new AbortController();
    const ended = untilAllEnd([until(stop.signal), until(stop.signal)], fatal, stop.signal);
    stop.abort();
    await expect(ended).resolves.toBeUndefined();
  });
});
