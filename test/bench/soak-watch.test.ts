import { expect, test } from "@jest/globals";
import { growth, slopePerMinute } from "../../bench/soak-watch.ts";

const minutes = (values: readonly number[]) => values.map((value, n) => ({ atMs: n * 60_000, value }));

test("the slope is that of the line through the values, whatever their noise and gaps", () => {
  expect(slopePerMinute(minutes([100, 102, 104, 106]))).toBeCloseTo(2);
  expect(slopePerMinute(minutes([100, Number.NaN, 104, 106]))).toBeCloseTo(2);
  expect(Math.abs(slopePerMinute(minutes(Array.from({ length: 60 }, (_, n) => 150 + 40 * (n % 3)))))).toBeLessThan(0.5);
});

test("growth is the last quarter's median less that of the first", () => {
  expect(growth([40, 41, 40, 90, 50, 51, 60, 61])).toBe(20);
  expect(growth([40, 40, Number.NaN, 40, 40])).toBe(0);
});
