import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createDatasetParser } from "../../src/dicomweb/pick-elements.ts";

const TAGS = ["00100010", "0020000D", "0008103E"];
const parse = createDatasetParser(TAGS);
const parseText = (text: string) => parse(Buffer.from(text));

describe("parsing only the elements that are wanted", () => {
  test("gives of any object what JSON.parse gives, without the elements that are not wanted", () => {
    const name = fc.constantFrom(...TAGS, "0008103e", "00080005", "7FE00010", "00100010 ", "001000101");
    const objects = fc.dictionary(name, fc.jsonValue({ stringUnit: "binary", maxDepth: 4 }), { minKeys: 1 });
    fc.assert(
      fc.property(objects, fc.nat(3), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const all = JSON.parse(text) as Record<string, unknown>;
        const wanted = Object.entries(all).filter(([tag]) => TAGS.includes(tag.toUpperCase()));
        expect(parseText(text)).toEqual(Object.fromEntries(wanted));
      }),
      { numRuns: 2_000 },
    );
  });

  test("an object with any other name, and any other value, is parsed whole or refused as JSON.parse refuses it", () => {
    const anything = fc.oneof(
      fc.jsonValue({ stringUnit: "binary" }).map((value) => JSON.stringify(value)),
      fc.string(),
    );
    fc.assert(
      fc.property(anything, (text) => {
        let whole: unknown;
        try {
          whole = JSON.parse(text);
        } catch {
          expect(() => parseText(text)).toThrow(SyntaxError);
          return;
        }
        if (typeof whole !== "object" || whole === null || Array.isArray(whole)) expect(parseText(text)).toEqual(whole);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a name written with an escape is found", () => {
    expect(parseText('{"\\u00300100010":{"vr":"PN"},"00080005":{}}')).toEqual({
      "00100010": { vr: "PN" },
      "00080005": {},
    });
  });

  test("a text cut off anywhere is refused", () => {
    const text =
      '{"00080005":{"vr":"CS","Value":["a\\"}]"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"B"}]},"7FE00010":{}}';
    for (let length = 0; length < text.length; length++)
      expect(() => parseText(text.slice(0, length))).toThrow(SyntaxError);
    expect(() => parseText(`${text}}`)).toThrow(SyntaxError);
    expect(() => parseText(text.replace("},", "},,"))).toThrow(SyntaxError);
  });

  test("a later dataset owes nothing to an earlier, longer one", () => {
    parseText(`{"00100010":"${"x".repeat(5000)}"}`);
    expect(parseText('{"0020000D":1,"00080005":2}')).toEqual({ "0020000D": 1 });
  });
});
