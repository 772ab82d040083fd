import { describe, expect, test } from "@jest/globals";
import { hospitalDay, hospitalDayEvening, text } from "../../../emulators/samples/index.ts";
import { readBack } from "./read-back.ts";

const steps = hospitalDay();
const files = steps.flatMap((step) => (step.kind === "store" ? step.files : []));
// Only tags of the datasets the day writes in implicit VR are needed here.
const VRS = Object.fromEntries(
  [
    ["UI", "00080016 00080018 0020000D 0020000E"],
    ["CS", "00080005 00080060 00100040"],
    ["LO", "00100020 00100021 00081030 0008103E"],
    ["PN", "00100010 00080090"],
    ["SH", "00080050"],
  ].flatMap(([vr = "", tags = ""]) => tags.split(" ").map((tag) => [tag, { vr }])),
);
const datasets = files.map((file) => readBack(file, VRS).dataset);

describe("the hospital day", () => {
  test("the same seed gives the same bytes, another seed other UIDs", () => {
    expect(hospitalDay().map((step) => JSON.stringify(step))).toEqual(steps.map((step) => JSON.stringify(step)));
    const uids = new Set(hospitalDayEvening().map((study) => study.studyInstanceUid));
    expect(hospitalDayEvening({ seed: "other" }).filter((study) => uids.has(study.studyInstanceUid))).toEqual([]);
  });

  test("holds CT, MR, CR, US and SR, a CT of 40 images or more in several series, and a multi-frame object", () => {
    const modalities = new Set(datasets.map((dataset) => text(dataset, "00080060")));
    expect([...modalities].sort()).toEqual(["CR", "CT", "MR", "SR", "US"]);
    const ct = hospitalDayEvening()[0];
    expect(ct?.series.length).toBeGreaterThanOrEqual(3);
    expect(ct?.instances).toBeGreaterThanOrEqual(41);
    expect(datasets.some((dataset) => Number(dataset["00280008"]?.Value?.[0]) > 1)).toBe(true);
  });

  test("names come back with their three groups in Japanese, and in Greek, Korean and Chinese", () => {
    const names = datasets.map((dataset) => dataset["00100010"]?.Value?.[0]);
    expect(names).toContainEqual({ Alphabetic: "Yamada^Tarou", Ideographic: "山田^太郎", Phonetic: "やまだ^たろう" });
    expect(names).toContainEqual({ Alphabetic: "ｻﾄｳ^ﾊﾅｺ", Ideographic: "佐藤^花子", Phonetic: "さとう^はなこ" });
    expect(names).toContainEqual({ Alphabetic: "Παπαδοπούλου^Ελένη" });
    expect(names).toContainEqual({ Alphabetic: "Hong^Gildong", Ideographic: "洪^吉洞", Phonetic: "홍^길동" });
    expect(names).toContainEqual({ Alphabetic: "Wang^XiaoDong", Ideographic: "王^小东" });
  });

  test("every UID is legal and every instance is stored once", () => {
    const sops = datasets.map((dataset) => text(dataset, "00080018") ?? "");
    expect(new Set(sops).size).toBe(sops.length);
    expect(sops.filter((uid) => !/^2\.25\.[1-9][0-9]{0,38}$/.test(uid))).toEqual([]);
  });

  test("one study has no Patient ID, all others have one with its issuer", () => {
    const evening = hospitalDayEvening();
    expect(evening.filter((study) => study.patientId === undefined)).toHaveLength(1);
    expect(evening.filter((study) => study.patientId !== undefined && study.issuer === undefined)).toEqual([]);
  });

  test("the evening is the day's files less what was deleted, with the moved study at its new patient", () => {
    const evening = hospitalDayEvening();
    const update = steps.find((step) => step.kind === "bulkUpdate");
    const gone = steps.filter((step) => step.kind === "delete").map((step) => step.path);
    expect(gone).toHaveLength(2);
    const [instance = "", study = ""] = gone.map((path) => path.split("/").at(-1));
    const left = datasets.filter(
      (dataset) => text(dataset, "00080018") !== instance && text(dataset, "0020000D") !== study,
    );
    expect(left.length).toBe(datasets.length - 1 - 4);
    expect(evening.reduce((sum, one) => sum + one.instances, 0)).toBe(left.length);
    expect(evening.map((one) => one.studyInstanceUid)).not.toContain(study);
    const moved = evening.find((one) => one.studyInstanceUid === update?.studyInstanceUids[0]);
    const before = datasets.find((dataset) => text(dataset, "0020000D") === moved?.studyInstanceUid) ?? {};
    expect(moved?.patientName).toBe("Παπαδοπούλου^Ελένη");
    expect(text(before, "00100020")).not.toBe(moved?.patientId);
  });
});
