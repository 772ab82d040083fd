/** What README.md shows is what happens: its commands are run, and its output is compared, numbers that change from run to run aside. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { startDicomEmulator } from "../emulators/dicom/index.ts";
import { startFhirEmulator } from "../emulators/fhir/index.ts";
import { hospitalDay, playHospitalDay } from "../emulators/samples/index.ts";
import { endDemos, pressCtrlC, startDemo } from "./demo/demo-process.ts";
import { endWorkerProcesses, runCommand, startWorkerProcess } from "./support/worker-process.ts";

const root = resolve(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const scripts: Record<string, string> = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;

/** Fenced blocks of the page in order. */
const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", text = ""]) => ({
  language,
  lines: text.trimEnd().split("\n"),
}));
const shellBlocks = blocks.filter(({ language }) => language === "sh").map(({ lines }) => lines);
const outputs = blocks.filter(({ language }) => language === "").map(({ lines }) => lines);

/** Ports, temporary names and durations change from run to run. */
const steady = (line: string) =>
  line
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/\S*\/studycast-\w+\//, "TMP/")
    .replace(/^(time +)[\d.]+ s$/, "$1N s")
    .trimEnd();

/** The shown lines that are not in the real output, in their order; `…` stands for any lines. */
function notIn(real: string, shown: readonly string[]): string[] {
  const lines = real.split("\n").map(steady);
  let at = 0;
  return shown.filter((line) => {
    if (line.trim() === "…") return false;
    const found = lines.indexOf(steady(line), at);
    if (found >= 0) at = found + 1;
    return found < 0;
  });
}

afterEach(async () => {
  await endDemos();
  await endWorkerProcesses();
});

describe("README.md", () => {
  test("names both commands of a newcomer, and its shell blocks hold nothing that is not run below", () => {
    expect(shellBlocks).toEqual([
      ["npm ci && npm run demo"],
      [
        expect.stringMatching(/^export DICOM_URL=\S+ FHIR_URL=\S+$/),
        expect.stringMatching(/^export PATIENT_ID_SYSTEM=\S+$/),
        expect.stringMatching(/^npx studycast start --dry-run +#/),
        "npx studycast start",
      ],
      ["npm ci && npm test"],
    ]);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["demo", "test"]));
  });

  test("the demo prints what is shown, and the command line it gives prints the status that is shown", async () => {
    const [shownDemo = [], shownStatus = []] = outputs;
    const demo = await startDemo([]);
    await demo.shown("Ctrl-C ends it.");
    expect(notIn(demo.stdout(), shownDemo)).toEqual([]);

    const given = /REDIS_URL=(\S+) SOURCE_ID=(\S+) npx studycast status/.exec(demo.stdout());
    const options = { REDIS_URL: given?.[1] ?? "", SOURCE_ID: given?.[2] ?? "" };
    let status = "";
    for (let tries = 0; tries < 10 && notIn(status, shownStatus).length > 0; tries++) {
      await delay(500); // the worker tells its state every few seconds
      status = (await runCommand(["status"], options)).stdout;
    }
    expect(status.split("\n").map(steady)).toEqual([...shownStatus, ""]);
    pressCtrlC(demo);
    expect(await demo.ended).toEqual([0, null]);
  }, 60_000);

  test("the commands for one's own services start the worker: dry first, then for good", async () => {
    const data = await mkdtemp(join(tmpdir(), "readme-"));
    const [dicom, fhir] = [await startDicomEmulator(), await startFhirEmulator()];
    try {
      await playHospitalDay(dicom.url, hospitalDay().slice(0, 2));
      const exported = /PATIENT_ID_SYSTEM=(\S+)/.exec(readme)?.[1] ?? "";
      const options = { DICOM_URL: dicom.url, FHIR_URL: fhir.url, PATIENT_ID_SYSTEM: exported, DATA_DIR: data };

      const dry = startWorkerProcess(options, ["--dry-run"]);
      while (!dry.output().includes("ImagingStudy would be")) await delay(50);
      expect(await dry.stop()).toBe(0);
      expect(fhir.writes()).toBe(0);

      const worker = startWorkerProcess(options);
      while (fhir.resources("ImagingStudy").length === 0) await delay(50);
      expect(await worker.stop()).toBe(0);
    } finally {
      await Promise.all([dicom.close(), fhir.close()]);
      await rm(data, { recursive: true, force: true });
    }
  }, 60_000);

  test("its links lead to files that are there", () => {
    const targets = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !readFileSync(join(root, target)).length)).toEqual([]);
  });
});
