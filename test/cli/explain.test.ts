/** `map --explain` and `explain`: a table on a terminal, JSON otherwise; the same whether the study comes from a file or from the service. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import { report } from "../../src/cli/report.ts";
import { runCommand } from "../support/worker-process.ts";

let folder = "";
let dicom: DicomEmulator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "explain-"));
  dicom = await startDicomEmulator({ synthetic: { studies: 1, images: 3 } });
});
afterAll(async () => {
  await dicom.close();
  await rm(folder, { recursive: true });
});

const SYSTEM = ["--patient-id-system", "urn:oid:1.2.3"];

/** The command line at a terminal of this width. */
async function atTerminal(words: readonly string[], columns: number) {
  let [stdout, stderr] = ["", ""];
  const io = {
    out(text: string) {
      stdout += text;
    },
    err(text: string) {
      stderr += text;
    },
    isTerminal: true,
    columns,
    readStdin: async () => "",
  };
  const { signal } = new AbortController();
  try {
    await runCommandLine(words, { io, env: {}, stop: signal, abort: signal });
    return { code: 0, stdout, stderr };
  } catch (thrown) {
    const { text, exitCode } = report(thrown);
    return { code: exitCode, stdout, stderr: stderr + text };
  }
}

const image = (number: number, description: string) => ({
  "00080016": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.2"] },
  "00080018": { vr: "UI", Value: [`1.2.3.4.${number}`] },
  "00080060": { vr: "CS", Value: ["CT"] },
  "00081030": { vr: "LO", Value: [description] },
  "00100010": { vr: "PN", Value: [{ Alphabetic: "Doe^Jane" }] },
  "00100020": { vr: "LO", Value: ["P-1"] },
  "0020000D": { vr: "UI", Value: ["1.2.3"] },
  "0020000E": { vr: "UI", Value: ["1.2.3.4"] },
});

async function images(): Promise<string> {
  const path = join(folder, "images.json");
  await writeFile(path, JSON.stringify([image(1, "Chest"), image(2, "Chest"), image(3, "Thorax \u202e")]));
  return path;
}

/** Studies of the emulator, by UID. */
async function synthetic(): Promise<{ uid: string; file: string }> {
  const headers = { accept: "application/dicom+json" };
  const [study] = (await (await fetch(`${dicom.url}/v2/studies?limit=1`, { headers })).json()) as {
    "0020000D": { Value: [string] };
  }[];
  const uid = study?.["0020000D"].Value[0] ?? "";
  const file = join(folder, "synthetic.json");
  await writeFile(file, await (await fetch(`${dicom.url}/v2/studies/${uid}/metadata`, { headers })).text());
  return { uid, file };
}

describe("map --explain", () => {
  test("prints JSON where there is no terminal: value, attributes, votes, what was outvoted, rule, issues", async () => {
    const { code, stdout } = await runCommand(["map", "--explain", ...SYSTEM, await images()]);
    expect(code).toBe(0);
    const { studies, rejected } = JSON.parse(stdout);
    expect(rejected).toEqual([]);
    expect(studies).toHaveLength(1);
    expect(studies[0]).toMatchObject({ study: "Microsoft.Default/1.2.3", instances: 3, subject: "patient" });
    const description = studies[0].elements.find(
      (one: { element: string }) => one.element === "ImagingStudy.description",
    );
    expect(description).toMatchObject({
      value: "Chest",
      from: [{ tag: "00081030", keyword: "StudyDescription", instances: 3 }],
      votes: 2,
      lost: [{ instances: 1 }],
      issues: [{ code: "conflict", count: 1 }],
    });
  });

  test.each([60, 100, 400])(
    "prints a table on a terminal of %d characters, which no value can steer",
    async (columns) => {
      const { code, stdout } = await atTerminal(["map", "--explain", ...SYSTEM, await images()], columns);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Study Microsoft\.Default\/1\.2\.3: 3 instance\(s\)\n/);
      expect(stdout.replaceAll(/\s+/g, " ")).toContain("Element Value From Rule Lost, left out");
      const lines = stdout.split("\n");
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(columns, 80));
      expect(lines.some((line) => line.startsWith("ImagingStudy.d"))).toBe(true);
      expect(stdout).not.toContain("\u202e");
    },
  );

  test("prints JSON on a terminal too with --json", async () => {
    const { stdout } = await atTerminal(["map", "--explain", "--json", ...SYSTEM, await images()], 100);
    expect(JSON.parse(stdout).studies).toHaveLength(1);
  });

  test("ends with exit code 1 when a study would wait or an instance is rejected, after telling all", async () => {
    const path = join(folder, "some.json");
    await writeFile(path, JSON.stringify([image(1, "Chest"), { ...image(2, "Chest"), "00080018": { vr: "UI" } }]));
    const { code, stdout, stderr } = await runCommand(["map", "--explain", ...SYSTEM, path]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^INSTANCE_INVALID: /)]);
    expect(JSON.parse(stdout).rejected).toEqual([{ series: "1.2.3.4", code: "INSTANCE_INVALID", tag: "00080018" }]);
    const waiting = await runCommand(["map", "--explain", await images()]);
    expect([waiting.code, waiting.stderr]).toEqual([1, expect.stringMatching(/^ISSUER_UNKNOWN: /)]);
    expect(waiting.stderr).not.toMatch(/Doe|P-1/);
  });
});

describe("explain", () => {
  test("explains the live study as its file, and needs no Redis and no FHIR server", async () => {
    const { uid, file } = await synthetic();
    const options = { DICOM_URL: dicom.url, PATIENT_ID_SYSTEM: "urn:oid:1.2.3" };
    const live = await runCommand(["explain", "--study", uid], options);
    expect([live.code, live.stderr]).toEqual([0, ""]);
    const offline = await runCommand(["map", "--explain", file], options);
    expect(JSON.parse(live.stdout)).toEqual(JSON.parse(offline.stdout));
    expect(JSON.parse(await readFile(file, "utf8"))).toHaveLength(JSON.parse(live.stdout).studies[0].instances);
  });

  test("a study that the service does not have, and a command line without one, are one sentence each", async () => {
    const options = { DICOM_URL: dicom.url };
    const absent = await runCommand(["explain", "--study", "1.2.3.4.5"], options);
    expect([absent.code, absent.stdout, absent.stderr]).toEqual([
      1,
      "",
      expect.stringMatching(/^USAGE: .*no study.*\n$/),
    ]);
    const none = await runCommand(["explain"], options);
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/^USAGE: say which study/)]);
    const nowhere = await runCommand(["explain", "--study", "1.2.3"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("DICOM_URL is missing")]);
  });
});
