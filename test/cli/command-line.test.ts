import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { COMMANDS, runCommandLine } from "../../src/cli/program.ts";
import { report } from "../../src/cli/report.ts";
import { runCommand } from "../support/worker-process.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** The command line without the process around it, which takes a moment to start each time. */
async function runHere(words: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const io = {
    out(text: string) {
      stdout += text;
    },
    err(text: string) {
      stderr += text;
    },
    isTerminal: false,
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

const instance = (sop: string, more: Record<string, unknown> = {}) => ({
  "00080016": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.2"] },
  "00080018": { vr: "UI", Value: [sop] },
  "00080060": { vr: "CS", Value: ["CT"] },
  "00100010": { vr: "PN", Value: [{ Alphabetic: "Doe^Jane" }] },
  "00100020": { vr: "LO", Value: ["P-1"] },
  "0020000D": { vr: "UI", Value: ["1.2.3"] },
  "0020000E": { vr: "UI", Value: ["1.2.3.4"] },
  ...more,
});

describe("a command line that makes no sense", () => {
  test.each([
    [["statsu"], "unknown command 'statsu' (Did you mean status?)", "studycast --help"],
    [["status", "--jsno"], "unknown option '--jsno' (Did you mean --json?)", "studycast status --help"],
    [["start", "--fhir-ulr", "x"], "(Did you mean --fhir-url?)", "studycast start --help"],
    [["resync"], "say which studies", "studycast resync --help"],
    [["resync", "--all", "--study", "1.2"], "say which studies", "studycast resync --help"],
    [["resync", "--study", "Doe^Jane"], "expects a StudyInstanceUID", "studycast status"],
    [["resync", "--study-date", "2026-02-30"], "is no day", "2026-01-01..2026-01-31"],
    [["resync", "--study-date", "2026-02-02..2026-02-01"], "expects A..B", "2026-01-01..2026-01-31"],
    [["resync", "--changed-since", "yesterday"], "a time with its zone", "2026-01-31T00:00:00Z"],
    [["resync", "--all", "--until", "2026-01-31T00:00:00Z"], "--until goes with --changed-since", "resync --help"],
    [["retry"], "either --study or --all", "studycast retry --help"],
    [["checkpoint", "set", "-1"], "a whole number", "studycast checkpoint set 0"],
    [["checkpoint", "set", "x"], "a whole number", "studycast checkpoint set 0"],
    [["checkpoint"], "say show, set N or --accept-identity", "studycast checkpoint --help"],
    [["map"], "missing required argument", "studycast map --help"],
    [["map", "/nowhere"], "cannot be read", "studycast map --help"],
  ])("%j is one line with what to type, exit code 1", async (words, sentence, hint) => {
    const { code, stdout, stderr } = await runHere(words);
    expect([code, stdout, stderr.trimEnd().split("\n").length]).toEqual([1, "", 1]);
    expect(stderr).toMatch(/^USAGE: /);
    expect(stderr).toContain(sentence);
    expect(stderr).toContain(`Try: `);
    expect(stderr).toContain(hint);
  });

  test("the program itself says it in the same way", async () => {
    const { code, stdout, stderr } = await runCommand(["statsu"]);
    expect([code, stdout, stderr]).toEqual([1, "", (await runHere(["statsu"])).stderr]);
  });

  test("no command at all shows the commands, and is an error", async () => {
    const { code, stdout, stderr } = await runHere([]);
    expect(code).toBe(1);
    expect(stderr).toContain("USAGE: no command given.");
    for (const { name } of COMMANDS) expect(stdout).toContain(`  ${name} `);
  });

  test.each(COMMANDS.map(({ name }) => name))(
    "%s --help shows flags, options with defaults, and examples",
    async (name) => {
      const { code, stdout, stderr } = await runHere([name, "--help"]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("Examples:\n");
      expect(stdout).not.toMatch(/--\S*(password|secret) /);
      for (const { flag } of COMMANDS.find((one) => one.name === name)?.flags ?? []) expect(stdout).toContain(flag);
    },
  );
});

describe("options", () => {
  test("all that is wrong is told at once, one line each, without a secret or a stack", async () => {
    const config = await file("wrong.json", { PATIENT_POLICY: "all", FHIR_ULR: "x" });
    const { code, stdout, stderr } = await runCommand(["start", "--config", config, "--concurrency", "0"], {
      DICOM_URL: "https://u:geheim@dicom.example/v2",
      HTTP_HOST: "0.0.0.0",
      FHIR_AUTH: "basic",
      FHIR_PASSWORD: "geheim",
      REDIS_URL: "https://u:geheim@redis.example",
    });
    expect([code, stdout]).toEqual([1, ""]);
    const lines = stderr.trimEnd().split("\n");
    for (const field of [
      "FHIR_ULR",
      "DICOM_URL",
      "CONCURRENCY",
      "PATIENT_POLICY",
      "REDIS_URL",
      "FHIR_URL",
      "PATIENT_ID_SYSTEM",
      "HTTP_PASSWORD",
      "FHIR_USER",
    ]) {
      expect([field, lines.filter((line) => line.startsWith(`CONFIG_INVALID: ${field} `)).length]).toEqual([field, 1]);
    }
    expect(lines.at(-1)).toMatch(/^Try: /);
    expect(stderr).not.toMatch(/geheim|\n\s+at /);
  });

  test("a DICOM URL with a path too much is refused with what it should be", async () => {
    const { code, stderr } = await runCommand([
      "start",
      "--dicom-url",
      "http://127.0.0.1:9/v2/studies",
      "--fhir-url",
      "http://127.0.0.1:9",
      "--patient-id-system",
      "urn:oid:1.2",
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("expected the service's root, without /v2 and what follows");
  });

  test("a configuration file that is absent or no JSON is told by its name", async () => {
    const broken = await file("broken.json", "{ geheim");
    for (const [path, expected] of [
      [broken, "expected JSON"],
      ["/nowhere.json", "a file that can be read"],
    ] as const) {
      const { code, stderr } = await runCommand(["status", "--config", path]);
      expect(code).toBe(1);
      expect(stderr).toContain(`configuration file ${path}: expected ${expected.replace("expected ", "")}`);
      expect(stderr).not.toContain("geheim");
    }
  });
});

describe("map", () => {
  const system = ["--patient-id-system", "urn:oid:1.2.3"];

  test("prints a collection of the resources of any number of files and standard input, offline", async () => {
    const one = await file("one.json", [instance("1.2.3.4.1"), instance("1.2.3.4.2")]);
    const two = await file("two.json", instance("1.2.3.4.3"));
    const both = await runCommand(["map", ...system, one, two]);
    expect([both.code, both.stderr]).toEqual([0, expect.not.stringContaining("USAGE")]);
    const bundle = JSON.parse(both.stdout);
    expect(bundle).toMatchObject({ resourceType: "Bundle", type: "collection" });
    const study = bundle.entry.find(
      (entry: { resource: { resourceType: string } }) => entry.resource.resourceType === "ImagingStudy",
    );
    expect(study.resource).toMatchObject({ numberOfInstances: 3, numberOfSeries: 1 });
    const all = JSON.stringify([instance("1.2.3.4.3"), instance("1.2.3.4.1"), instance("1.2.3.4.2")]);
    expect((await runCommand(["map", ...system, "-"], {}, all)).stdout).toBe(both.stdout);
  });

  test("an instance that cannot be represented is told by its tag, the rest is mapped, exit code 1", async () => {
    const some = await file("some.json", [instance("1.2.3.4.1"), instance("Doe^Jane")]);
    const { code, stdout, stderr } = await runCommand(["map", ...system, some]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/rejected: INSTANCE_INVALID 00080018/);
    expect(stderr).not.toMatch(/Doe|P-1/);
    expect(stdout).toContain('"numberOfInstances": 1');
  });

  test("without an identifier system the study would wait, and that is said", async () => {
    const one = await file("one.json", instance("1.2.3.4.1"));
    const { code, stderr } = await runCommand(["map", one]);
    expect(code).toBe(1);
    expect(stderr).toContain("waiting: ISSUER_UNKNOWN");
    expect(stderr).toContain("PATIENT_ID_SYSTEM");
  });

  test("text that is no JSON is not echoed", async () => {
    const { code, stderr } = await runCommand(["map", "-"], {}, '{"00100010": Doe^Jane');
    expect(code).toBe(1);
    expect(stderr).toContain("standard input is not JSON");
    expect(stderr).not.toContain("Doe");
  });
});
