import { describe, expect, test } from "@jest/globals";
import { createSplitter, endOfValue, wordsOf } from "./resp.ts";
import { createSeam } from "./seam.ts";

describe("the seam", () => {
  test("stops once, at the request and side it is armed for, and lets nothing through from then on", () => {
    const seam = createSeam();
    let stops = 0;
    seam.arm({ label: "a", nth: 2, side: "after" }, () => stops++);
    expect(seam.begins("a").answered()).toBe(true);
    const second = seam.begins("a");
    const beside = seam.begins("b");
    expect([second.forward, stops]).toEqual([true, 0]);
    expect([second.answered(), stops]).toEqual([false, 1]);
    expect(beside.answered()).toBe(false);
    expect(seam.begins("c").forward).toBe(false);
    expect(seam.reached()).toBe(true);
    seam.disarm();
    expect(seam.begins("a").forward).toBe(true);
    expect(stops).toBe(1);
  });

  test("a request that is on its way when counting starts counts as the first", () => {
    const seam = createSeam();
    const early = seam.begins("a");
    let stops = 0;
    seam.arm({ label: "a", nth: 1, side: "after" }, () => stops++);
    expect(early.answered()).toBe(false);
    expect(stops).toBe(1);
  });

  test("what a dead process still had open is neither counted for the next one nor stops it", () => {
    const seam = createSeam();
    seam.arm({ label: "a", nth: 1, side: "before" }, () => {});
    const left = seam.begins("b");
    seam.begins("a");
    expect(seam.reached()).toBe(true);
    seam.disarm();
    expect(seam.reached()).toBe(false);
    let stops = 0;
    seam.arm({ label: "b", nth: 1, side: "after" }, () => stops++);
    expect(seam.recorded()).toEqual([]);
    expect([left.answered(), stops]).toEqual([true, 0]);

    const cut = seam.begins("c");
    cut.dropped();
    seam.disarm();
    seam.arm(undefined, () => {});
    expect(seam.recorded()).toEqual([]);
  });
});

describe("Redis' protocol", () => {
  test("values are told apart wherever the bytes are cut", () => {
    const values = ["+OK\r\n", "$3\r\na\r\n\r\n", "*2\r\n:1\r\n*1\r\n$-1\r\n", "%1\r\n+k\r\n_\r\n", "*0\r\n", "#t\r\n"];
    const stream = Buffer.from(values.join(""));
    for (let size = 1; size <= stream.length; size++) {
      const found: string[] = [];
      const split = createSplitter((bytes) => found.push(bytes.toString()));
      for (let at = 0; at < stream.length; at += size) split(stream.subarray(at, at + size));
      expect(found).toEqual(values);
    }
    expect(endOfValue(Buffer.from("$5\r\nabc"))).toBeUndefined();
    expect(wordsOf(Buffer.from("*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n"))).toEqual(["GET", "\r\n"]);
  });
});
