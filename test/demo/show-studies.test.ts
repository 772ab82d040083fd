import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type FhirEmulator, startFhirEmulator } from "../../emulators/fhir/index.ts";
import type { Present } from "../../scripts/demo/look.ts";
import { createScreen } from "../../scripts/demo/screen.ts";
import { showStudies } from "../../scripts/demo/show-studies.ts";

let fhir: FhirEmulator;
let empty = "";
beforeAll(async () => {
  fhir = await startFhirEmulator();
  empty = await mkdtemp(join(tmpdir(), "demo-empty-"));
});
afterAll(async () => {
  await fhir.close();
  await rmdir(empty);
});

const synced: Present = {
  latest: 9,
  scan: 9,
  pending: 0,
  failed: 0,
  rejected: 0,
  fhir: { Patient: 1, ImagingStudy: 1, Endpoint: 1 },
  state: "synced",
};

/** What `--once` ends with when this is seen on the servers, in this order. */
async function once(...seen: Present[]): Promise<{ exitCode: number; looks: number }> {
  let looks = 0;
  const look = {
    now: async () => seen[Math.min(looks++, seen.length - 1)] ?? synced,
    studies: async () => 1,
    close: () => {},
  };
  const screen = createScreen({ write: () => true });
  const exitCode = await showStudies(
    { dicom: empty, once: true, json: false, dump: undefined },
    screen,
    { look, fhir, dicomUrl: "", startedMs: 0 },
    { stop: new AbortController().signal, result: () => {} },
  );
  return { exitCode, looks };
}

describe("the demo with --once", () => {
  test("goes on while entries are unread or studies pending", async () => {
    const working: Present = { ...synced, scan: 3, state: "working" };
    const { exitCode, looks } = await once(working, { ...working, pending: 2 }, working, synced);
    expect([exitCode, looks]).toEqual([0, 4]);
  });

  test("ends with exit code 1 when a study failed", async () => {
    expect(await once({ ...synced, failed: 1 })).toMatchObject({ exitCode: 1 });
  });

  test("ends with exit code 1 when all that is pending waits for a person, which would go on for ever", async () => {
    const { exitCode, looks } = await once({ ...synced, pending: 1, state: "waiting" });
    expect(exitCode).toBe(1);
    expect(looks).toBeGreaterThan(5); // not at the first sight: it may have been a passing state
  });
});

describe("the demo's screen", () => {
  test("on a terminal the line of progress is redrawn below the lines that stay", () => {
    const parts: string[] = [];
    const screen = createScreen({ isTTY: true, columns: 20, write: (text) => parts.push(text) });
    screen.line("one");
    screen.progress("feed 1 of 2 and more than fits");
    screen.line("two");
    screen.end();
    const clear = "\r\u001b[2K";
    expect(parts.join("")).toBe(`one\n${clear}feed 1 of 2 and mor${clear}two\n${clear}feed 1 of 2 and mor${clear}`);
  });

  test("elsewhere progress is printed only when it changed, and not too often", () => {
    const lines: string[] = [];
    let nowMs = 0;
    const screen = createScreen({ write: (text) => lines.push(text) }, () => nowMs);
    for (const text of ["a", "a", "b", "b", "c"]) {
      nowMs += 1000;
      screen.progress(text);
    }
    expect(lines).toEqual(["a\n", "b\n"]);
  });
});
