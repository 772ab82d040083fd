import { expect, test } from "@jest/globals";
import { mapping } from "../../bench/mapping.ts";

test("the benchmark of the mapping still runs, and answers every question with a number", async () => {
  const lines: string[] = [];
  const answer = await mapping.ask({
    quick: true,
    tell: (line) => void lines.push(line),
    signal: new AbortController().signal,
  });
  expect(lines).toHaveLength(1);
  expect(answer.figures.map(({ unit }) => unit)).toEqual(["×", "µs", "µs", "ms", "×"]);
  // No times here: machines that run tests are busy with other things.
  for (const { what, value } of answer.figures)
    expect([what, value > 0 && Number.isFinite(value)]).toEqual([what, true]);
});
