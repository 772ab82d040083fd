import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createElementSplitter } from "../../src/dicomweb/elements.ts";

/** The elements' texts and how the array ended, with the bytes cut at the given places. */
function split(text: string, cuts: number[], maxBytes = 1_000_000) {
  const bytes = Buffer.from(text);
  const elements: string[] = [];
  const oversize: string[] = [];
  const splitter = createElementSplitter(
    maxBytes,
    (element) => void elements.push(element.toString()),
    (start) => void oversize.push(start.toString()),
  );
  let from = 0;
  for (const at of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    splitter.push(bytes.subarray(from, at));
    from = at;
  }
  return { elements, oversize, end: splitter.end() };
}

describe("splitting an array that comes in pieces", () => {
  test("gives what JSON.parse gives, wherever the pieces end", () => {
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ stringUnit: "binary" })), cuts, fc.nat(3), (values, places, indent) => {
        const { elements, end } = split(JSON.stringify(values, null, indent), places);
        expect(end).toBe("complete");
        expect(elements.map((element) => JSON.parse(element))).toEqual(JSON.parse(JSON.stringify(values)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("an array that is cut off is open, wherever it is cut", () => {
    const text = JSON.stringify([{ a: 'x"]\\' }, { b: [1, { c: "é" }] }]);
    for (let length = 0; length < text.length; length++) expect(split(text.slice(0, length), []).end).toBe("open");
  });

  test.each(["{}", "<html>", '"[]"', "7"])("%s is not an array", (text) => {
    expect(split(text, []).end).toBe("not an array");
  });

  test("of an element over the limit only the start is kept", () => {
    const { elements, oversize } = split(`[1,"${"x".repeat(500)}",2]`, [50, 100, 300], 20);
    expect(elements).toEqual(["1", "2"]);
    expect(oversize).toEqual([`"${"x".repeat(19)}`]);
  });
});
