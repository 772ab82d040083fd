/** Which instances a rejection note takes out of a study. */
import { describe, expect, test } from "@jest/globals";
import { readRejection, withoutRejected } from "../../src/mapping/rejection.ts";
import { element, type Json, sequence } from "./datasets.ts";

/** An empty UID: the evidence does not say it. */
type Where = { study?: string; series?: string };

const evidence = (sops: string[], { study = "1.1", series = "2.1" }: Where): Json => ({
  ...(study === "" ? {} : { "0020000D": element("UI", study) }),
  "00081115": sequence({
    ...(series === "" ? {} : { "0020000E": element("UI", series) }),
    "00081199": sequence(...sops.map((sop) => ({ "00081155": element("UI", sop) }))),
  }),
});
const note = (title: string, sops: string[], where: Where = {}, scheme = "DCM"): Json => ({
  "0020000D": element("UI", "1.1"),
  "0040A043": sequence({ "00080100": element("SH", title), "00080102": element("SH", scheme) }),
  "0040A375": sequence(evidence(sops, where)),
});
const read = (dataset: Json) => readRejection(dataset, () => {});
const instance = (sop: string, dataset?: Json, series = "2.1") => ({
  series,
  sop,
  rejection: dataset && read(dataset),
});
const left = (instances: ReturnType<typeof instance>[]) => withoutRejected(instances).kept.map(({ sop }) => sop);

describe("a rejection note", () => {
  test("is a key object with one of the four titles of IHE IOCM", () => {
    for (const title of ["113001", "113037", "113038", "113039"])
      expect(read(note(title, ["1.1"]))?.names).toHaveLength(1);
    // 113000 of interest, 113010 quality issue: say nothing of taking back.
    for (const title of ["113000", "113010", ""]) expect(read(note(title, ["1.1"]))).toBeUndefined();
    expect(read(note("113001", ["1.1"], {}, "99X"))).toBeUndefined();
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

  test("is in effect again when the note that rejected it is rejected itself", () => {
    const notes = [
      instance("1.9", note("113037", ["1.1"])),
      instance("1.8", note("113039", ["1.9"])),
      instance("1.7", note("113039", ["1.8"])),
    ];
    for (const order of [notes, notes.toReversed()])
      expect(left([instance("1.1"), instance("1.2"), ...order])).toEqual(["1.2"]);
  });

  test("that names one that names it has no effect: nothing leaves", () => {
    const both = [instance("1.9", note("113038", ["1.1", "1.8"])), instance("1.8", note("113039", ["1.9"]))];
    expect(left([instance("1.1"), ...both])).toEqual(["1.1", "1.9", "1.8"]);
  });

  test("does not take itself out, and without evidence takes nothing", () => {
    expect(left([instance("1.1"), instance("1.9", note("113001", ["1.9"]))])).toEqual(["1.1", "1.9"]);
    const issues: string[] = [];
    const bare = { "0040A043": sequence({ "00080100": element("SH", "113001"), "00080102": element("SH", "DCM") }) };
    expect(readRejection(bare, (keyword, code) => issues.push(`${keyword} ${code}`))?.names).toEqual([]);
    expect(issues).toEqual(["CurrentRequestedProcedureEvidenceSequence missing"]);
  });

  test("of another study's instances empties no study, even where SOP Instance UIDs are the same", () => {
    const issues: string[] = [];
    const foreign = note("113038", ["1.1"], { study: "1.2" });
    expect(left([instance("1.1"), instance("1.9", foreign, "2.9")])).toEqual(["1.1"]);
    readRejection(foreign, (keyword, code) => issues.push(`${keyword} ${code}`));
    expect(issues).toEqual(["CurrentRequestedProcedureEvidenceSequence other-study"]);
  });

  test("takes an instance out of the series it names, not its copy in another", () => {
    const copies = [instance("1.1", undefined, "2.1"), instance("1.1", undefined, "2.2")];
    const { kept, rejected } = withoutRejected([...copies, instance("1.9", note("113037", ["1.1"]), "2.9")]);
    expect(kept.map(({ series }) => series)).toEqual(["2.2"]);
    expect(rejected).toBe(1);
  });

  test("that does not say study or series means its own study", () => {
    for (const where of [{ study: "" }, { series: "" }])
      expect(left([instance("1.1"), instance("1.9", note("113037", ["1.1"], where), "2.9")])).toEqual([]);
  });
});
