import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createAlikeReader } from "../../src/dicomweb/alike-datasets.ts";
import { createElementSplitter } from "../../src/dicomweb/elements.ts";
import { createDatasetParser } from "../../src/dicomweb/pick-elements.ts";

const TAGS = ["00100010", "0020000D", "0008103E", "00201041", "00080018"];
const NAMES = [...TAGS, "0008103e", "0020000d", "00080005", "7FE00010", "00090010", "00100010 "];

/** The datasets of an array that comes in pieces, with a model or without; what is unreadable as undefined. */
function readAll(text: string, cuts: readonly number[], alike: boolean): unknown[] {
  const bytes = Buffer.from(text);
  const parse = createDatasetParser(TAGS);
  const reader = createAlikeReader(TAGS);
  const datasets: unknown[] = [];
  const splitter = createElementSplitter(
    1_000_000,
    (element) => {
      try {
        datasets.push(parse(element));
      } catch {
        datasets.push(undefined);
      }
    },
    () => datasets.push(undefined),
    (piece, start) => {
      const read = alike ? reader.read(piece, start) : undefined;
      if (read === undefined) return -1;
      datasets.push(read.dataset);
      return read.end;
    },
  );
  let from = 0;
  for (const at of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    splitter.push(bytes.subarray(from, at));
    from = at;
  }
  expect(splitter.end()).toBe("complete");
  return datasets;
}

/** A member as a text, so that a name may occur twice and a value may be broken. */
const value = fc.oneof(
  fc.constantFrom(
    '{"vr":"LO","Value":["A"]}',
    '{"vr":"LO","Value":["AB"]}',
    "1",
    "12",
    '{"vr":"SQ","Value":[{},[]]}',
    '"}],\\""',
  ),
  fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }).map((json) => JSON.stringify(json)),
);
const member = fc
  .tuple(fc.constantFrom(...NAMES), value, fc.constantFrom("", " ", "\n"))
  .map(([name, text, space]) => `"${name}":${space}${text}${space}`);
const members = fc.array(member, { maxLength: 40 });
/** Datasets that share most of their members: each is the first one with some members replaced, left out, put in or swapped. */
const alikeDatasets = fc
  .tuple(
    members,
    fc.array(
      fc.array(fc.tuple(fc.nat(40), fc.constantFrom("replace", "leave out", "put in", "swap"), member), {
        maxLength: 4,
      }),
      {
        maxLength: 8,
      },
    ),
  )
  .map(([first, edits]) => {
    const datasets = [first];
    for (const edit of edits) {
      const next = [...first];
      for (const [at, kind, text] of edit) {
        if (kind === "replace") next[at % (next.length + 1)] = text;
        else if (kind === "leave out") next.splice(at, 1);
        else if (kind === "put in") next.splice(at, 0, text);
        else next.push(...next.splice(at, 2).reverse());
      }
      datasets.push(next);
    }
    return datasets.map((one) => `{${one.join(",")}}`);
  });

describe("reading datasets by what they share with an earlier one", () => {
  test("gives what reading each by itself gives, wherever the pieces end", () => {
    fc.assert(
      fc.property(
        alikeDatasets,
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.constantFrom(",", " ,\n "),
        (datasets, cuts, comma) => {
          const text = `[${datasets.join(comma)}]`;
          expect(readAll(text, cuts, true)).toEqual(readAll(text, cuts, false));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("a number is not taken for the longer one it begins", () => {
    const text = '[{"00201041":1,"00080005":2},{"00201041":12,"00080005":2},{"00201041":1}]';
    expect(readAll(text, [], true)).toEqual([{ "00201041": 1 }, { "00201041": 12 }, { "00201041": 1 }]);
  });

  test("an instance whose element cannot be parsed is unreadable, the ones around it are read", () => {
    const good = '{"00100010":{"vr":"PN"},"0020000D":{"vr":"UI"}}';
    const text = `[${good},{"00100010":{"vr":PN},"0020000D":{"vr":"UI"}},${good}]`;
    const whole = { "00100010": { vr: "PN" }, "0020000D": { vr: "UI" } };
    expect(readAll(text, [], true)).toEqual([whole, undefined, whole]);
  });

  test("what is the same in two instances is one object", () => {
    const text = '[{"00100010":{"vr":"PN"},"00080018":1},{"00100010":{"vr":"PN"},"00080018":2}]';
    const [first, second] = readAll(text, [], true) as Record<string, unknown>[];
    expect(second?.["00100010"]).toBe(first?.["00100010"]);
  });

  test("another series becomes the model, and datasets of no likeness are read all the same", () => {
    const series = (name: string, count: number) =>
      Array.from({ length: count }, (_, at) => {
        const own = Array.from({ length: 30 }, (_, n) => `"0008${String(1000 + n)}":"${name}"`);
        return `{"00080018":${at},${own.join(",")}}`;
      });
    const mixed = Array.from({ length: 50 }, (_, at) => series(`each ${at}`, 1)).flat();
    const text = `[${[...series("a", 20), ...series("b", 20), ...mixed, ...series("c", 20)].join(",")}]`;
    expect(readAll(text, [], true)).toEqual(readAll(text, [], false));
  });
});
