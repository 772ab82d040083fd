import { expect, test } from "@jest/globals";
import { firstTick, formatTicks, lastTick, parseTicks, ticksOfMs } from "../../../emulators/dicom/ticks.ts";
import { updatableTags } from "../../../emulators/dicom/update-tags.ts";

test.each([
  ["2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05.1234567+00:00"],
  ["2026-01-02T03:04:05.1200000+01:30", "2026-01-02T01:34:05.12+00:00"],
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"],
  ["1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999+00:00"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"],
])("%s reads back as %s", (text, expected) => {
  expect(formatTicks(parseTicks(text) ?? -1n)).toBe(expected);
});

test.each(["2026-01-02T03:04:05", "2026-02-30T00:00:00Z", "soon", "", "2026-01-02T03:04:05 00:00"])(
  "%j is no instant",
  (text) => {
    expect(parseTicks(text)).toBeUndefined();
  },
);

test("the default window of API v2 holds every instant", () => {
  expect([formatTicks(firstTick), formatTicks(lastTick)]).toEqual([
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59.9999999+00:00",
  ]);
  expect(ticksOfMs(0)).toBe(parseTicks("1970-01-01T00:00:00Z"));
});

test("36 attributes can be changed by a bulk update", () => {
  expect(updatableTags().size).toBe(36);
});
