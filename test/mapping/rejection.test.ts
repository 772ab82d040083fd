/** Which instances a rejection note takes out of a study. */
import { describe, expect, test } from "@jest/globals";
import { readRejection, withoutRejected } from "../../src/mapping/rejection.ts";
import { element, type Json, sequence } from "./datasets.ts";

const note = (title: string, sops: string[], scheme = "DCM"): Json => ({
  "0040A043": sequence({ "00080100": element("SH", title), "00080102": element("SH", scheme) }),
  "0040A375": sequence({
    "00081115": sequence({ "00081199": sequence(...sops.map((sop) => ({ "00081155": element("UI", sop) }))) }),
  }),
});
const read = (dataset: Json) => readRejection(dataset, () => {});
const instance = (sop: string, dataset?: Json) => ({ sop, rejection: dataset && read(dataset) });
const left = (instances: ReturnType<typeof instance>[]) => withoutRejected(instances).kept.map(({ sop }) => sop);

describe("a rejection note", () => {
  test("is a key object with one of the four titles of IHE IOCM", () => {
    for (const title of ["113001", "113037", "113038", "113039"])
      expect(read(note(title, ["1.1"]))?.sops).toEqual(["1.1"]);
    // 113000 of interest, 113010 quality issue: say nothing of taking back.
    for (const title of ["113000", "113010", ""]) expect(read(note(title, ["1.1"]))).toBeUndefined();
    expect(read(note("113001", ["1.1"], "99X"))).toBeUndefined();
    expect(read({})).toBeUndefined();
  });

  test("of quality reasons takes the instances out and stays", () => {
    expect(left([instance("1.1"), instance("1.2"), instance("1.9", note("113001", ["1.1"]))])).toEqual(["1.2", "1.9"]);
  });

  test("of other reasons leaves with the instances", () => {
    for (const title of ["113037", "113038", "113039"])
      expect(left([instance("1.1"), instance("1.2"), instance("1.9", note(title, ["1.1"]))])).toEqual(["1.2"]);
  });

  test("counts what it took out, not itself", () => {
    const { rejected } = withoutRejected([instance("1.1"), instance("1.9", note("113038", ["1.1", "5.5"]))]);
    expect(rejected).toBe(1);
  });

  test("that another note rejects has no effect", () => {
    expect(
      left([instance("1.1"), instance("1.9", note("113038", ["1.1"])), instance("1.8", note("113039", ["1.9"]))]),
    ).toEqual(["1.1"]);
  });

  test("does not take itself out, and without evidence takes nothing", () => {
    expect(left([instance("1.1"), instance("1.9", note("113001", ["1.9"]))])).toEqual(["1.1", "1.9"]);
    const issues: string[] = [];
    const bare = { "0040A043": sequence({ "00080100": element("SH", "113001"), "00080102": element("SH", "DCM") }) };
    expect(readRejection(bare, (keyword, code) => issues.push(`${keyword} ${code}`))?.sops).toEqual([]);
    expect(issues).toEqual(["CurrentRequestedProcedureEvidenceSequence missing"]);
  });
});
