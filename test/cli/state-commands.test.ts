import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startDicomEmulator } from "../../emulators/dicom/index.ts";
import { hospitalDay, playHospitalDay } from "../../emulators/samples/index.ts";
import { COMMANDS } from "../../src/cli/program.ts";
import { resolvePart, stateOptions } from "../../src/config.ts";
import type { WorkerStatus } from "../../src/http/index.ts";
import { createState, type State } from "../../src/state/index.ts";
import { studyId } from "../../src/study.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { runCommand } from "../support/worker-process.ts";

let server: TestRedis;
let state: State;
beforeAll(async () => {
  server = await startTestRedis();
  const config = resolvePart({ flags: {}, env: { SOURCE_ID: "test" }, file: undefined, readFile: String }, "state");
  if (!config.ok) throw new Error("options");
  state = createState(server.redis, stateOptions(config.config));
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.redis.flushall();
});

const run = (...words: string[]) => runCommand(words, { REDIS_URL: server.url, SOURCE_ID: "test" });
const study = studyId("Microsoft.Default", "1.2.3");

/** A pending, a failed and a study with a rejected instance. */
async function seed(): Promise<void> {
  for (const [uid, outcome] of [
    ["1.2.4", { kind: "failed", code: "FHIR_REJECTED" }],
    [
      "1.2.5",
      {
        kind: "synced",
        tookMs: 1,
        rejected: [{ series: "1.2.5.1", sop: "1.2.5.1.1", code: "INSTANCE_INVALID", tag: "00080018" }],
      },
    ],
  ] as const) {
    const id = studyId("Microsoft.Default", uid);
    await state.mark([{ study: id, priority: "live" }]);
    await state.settle(id, (await state.begin(id)).mark, outcome);
  }
  await state.mark([{ study, priority: "low" }]);
  await state.note(study, (await state.begin(study)).mark, "PATIENT_AMBIGUOUS");
  await state.rejectEntries([{ sequence: 7, code: "FEED_ENTRY_INVALID", what: "studyInstanceUid" }]);
}

const alive = (): WorkerStatus => ({
  version: "1",
  startedAt: new Date().toISOString(),
  updatedAt: new Date().toISOString(),
  ready: { ok: true, reasons: [] },
  feed: { state: "following", latest: 12 },
  pauses: [{ service: "fhir", code: "FHIR_UNAVAILABLE", until: new Date().toISOString() }],
});

describe("status", () => {
  test("tells counts, failed studies with what to do, and that no worker ever ran", async () => {
    await seed();
    const { code, stdout, stderr } = await run("status");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/worker +never ran/);
    expect(stdout).toMatch(/studies +1 pending +1 of low priority.*PATIENT_AMBIGUOUS 1/);
    expect(stdout).toMatch(/Microsoft\.Default\/1\.2\.4 {2}FHIR_REJECTED: .*studycast retry/);
    expect(stdout).toContain("with rejected instances; see `studycast rejected`");
  });

  test("with the worker dead it says when it was last seen, and the feed's state is unknown", async () => {
    await state.writeStatus(JSON.stringify({ ...alive(), updatedAt: new Date(Date.now() - 600_000).toISOString() }));
    const { stdout } = await run("status");
    expect(stdout).toMatch(/worker +not running +last seen 10 min ago/);
    expect(stdout).toMatch(/feed +unknown/);
  });

  test("--json has every member that is documented", async () => {
    await seed();
    await state.writeStatus(JSON.stringify(alive()));
    await run("checkpoint", "set", "5");
    await state.addRequest({ kind: "all", confirmDeletes: false });
    const status = JSON.parse((await run("status", "--json")).stdout);
    expect(status).toMatchObject({
      source: "test",
      worker: { alive: true },
      feed: { state: "following", latest: 12, scan: 5, rejectedEntries: 1 },
      studies: { pending: 1, pendingLow: 1, waiting: { PATIENT_AMBIGUOUS: 1 }, failed: 1, withRejectedInstances: 1 },
      requests: [{ command: { kind: "all" }, state: "waiting" }],
    });
    const documented = COMMANDS.find(({ name }) => name === "status")?.json ?? [];
    for (const { member } of documented)
      for (const path of member.split(", "))
        expect([path, valueAt(status, path, member)]).not.toEqual([path, undefined]);
  });

  test("a stored checkpoint that cannot be read is told, with how to replace it", async () => {
    await state.mark([], { page: { expected: null, writeId: "w", checkpoint: "{" } });
    expect((await run("status")).stdout).toMatch(/feed +stopped .*STATE_UNREADABLE.*studycast checkpoint set/);
    const shown = await run("checkpoint", "show");
    expect([shown.code, shown.stderr]).toEqual([1, expect.stringMatching(/^STATE_UNREADABLE: .* Try: .*\n$/)]);
    expect((await run("checkpoint", "set", "0")).code).toBe(0);
    expect((await run("checkpoint", "show")).stdout).toContain("read to 0");
  });

  test("with no Redis to be found, or none that answers, one line says so", async () => {
    const none = await runCommand(["status"], { DATA_DIR: "/nowhere" });
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/^REDIS_NOT_STARTED: .*DATA_DIR.*\n$/)]);
    const away = await runCommand(["status"], { REDIS_URL: "redis://u:geheim@127.0.0.1:9" });
    expect([away.code, away.stderr]).toEqual([75, expect.stringMatching(/^REDIS_UNAVAILABLE: .*\n$/)]);
    expect(away.stderr).not.toContain("geheim");
  });

  test("an output that is closed early is no error", async () => {
    const child = spawn("/bin/sh", ["-c", `${process.execPath} bin/studycast.cjs status --json | head -c 1`], {
      cwd: resolve(import.meta.dirname, "../.."),
      env: { ...process.env, REDIS_URL: server.url, SOURCE_ID: "test" },
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += String(chunk);
    });
    await once(child, "close");
    expect(errors).toBe("");
  });
});

/** `feed.ranges[]` in a status; a name that begins with a dot belongs to the parent of the first one in its row. */
function valueAt(status: unknown, path: string, row: string): unknown {
  const parent = row.split(", ")[0]?.split(".").slice(0, -1).join(".") ?? "";
  const full = path.startsWith(".") ? parent + path : path;
  return full
    .replaceAll("[]", "")
    .split(".")
    .reduce<unknown>((value, name) => {
      const record = Array.isArray(value) ? value[0] : value;
      return typeof record === "object" && record !== null ? (record as Record<string, unknown>)[name] : undefined;
    }, status);
}

describe("rejected", () => {
  test("lists instances and feed entries with what to do", async () => {
    expect((await run("rejected")).stdout).toBe("nothing is rejected\n");
    await seed();
    const { stdout } = await run("rejected");
    expect(stdout).toContain("INSTANCE_INVALID 00080018  instance 1.2.5.1.1 of series 1.2.5.1");
    expect(stdout).toContain("feed entry 7  FEED_ENTRY_INVALID studyInstanceUid");
    const json = JSON.parse((await run("rejected", "--json")).stdout);
    expect(json).toEqual({
      studies: [
        { study: "Microsoft.Default/1.2.5", count: 1, instances: [expect.objectContaining({ sop: "1.2.5.1.1" })] },
      ],
      feedEntries: [{ sequence: 7, code: "FEED_ENTRY_INVALID", what: "studyInstanceUid" }],
    });
  });
});

describe("requests", () => {
  /** Plays the worker: takes the oldest request up and ends it. */
  async function work(end: Parameters<State["finishRequest"]>[1]) {
    for (;;) {
      const request = await state.claimRequest();
      if (request !== undefined) {
        await state.updateRequest(request.id, { done: 3, total: 3 });
        await state.finishRequest(request.id, end);
        return request.command;
      }
      await delay(20);
    }
  }

  test.each([
    [["retry", "--all"], { kind: "retry", studies: "all" }],
    [["retry", "--study", "1.2.3", "p/1.2.4"], { kind: "retry", studies: ["Microsoft.Default/1.2.3", "p/1.2.4"] }],
    [
      ["resync", "--study", "1.2.3", "--confirm-deletes"],
      { kind: "study", studies: ["Microsoft.Default/1.2.3"], confirmDeletes: true },
    ],
    [
      ["resync", "--study-date", "2026-01-01..20260131"],
      { kind: "study-date", from: "20260101", to: "20260131", confirmDeletes: false },
    ],
    [["resync", "--study-date", "2026-01-01.."], { kind: "study-date", from: "20260101", confirmDeletes: false }],
    [
      ["resync", "--changed-since", "2026-01-31T00:00:00Z", "--until", "2026-01-31T01:00:00+01:00"],
      { kind: "changed", sinceMs: Date.UTC(2026, 0, 31), untilMs: Date.UTC(2026, 0, 31), confirmDeletes: false },
    ],
    [["resync", "--all"], { kind: "all", confirmDeletes: false }],
  ])("%j is stored for the worker, and followed to its end", async (words, command) => {
    const [{ code, stdout }, carriedOut] = await Promise.all([run(...words), work({ state: "done" })]);
    expect(carriedOut).toEqual(command);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^request \S+ is done: /)]);
  });

  test("one that fails is told by its code", async () => {
    const [{ code, stderr }] = await Promise.all([
      run("resync", "--all"),
      work({ state: "failed", code: "FHIR_UNAVAILABLE" }),
    ]);
    expect([code, stderr]).toEqual([75, expect.stringMatching(/^FHIR_UNAVAILABLE: .*\n$/)]);
  });

  test("--no-wait returns at once; the request stays", async () => {
    const { code, stdout } = await run("retry", "--all", "--no-wait", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: "waiting", command: { kind: "retry" } });
    expect(await state.requestList()).toHaveLength(1);
  });

  test("an interrupted command leaves its request and ends well, also while no worker runs", async () => {
    const child = spawn(process.execPath, ["bin/studycast.cjs", "resync", "--all"], {
      cwd: resolve(import.meta.dirname, "../.."),
      env: { ...process.env, REDIS_URL: server.url, SOURCE_ID: "test" },
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += String(chunk);
    });
    while ((await state.requestList()).length === 0) await delay(20);
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(0);
    expect(output).toMatch(/is stored; a worker carries it out/);
    expect((await state.requestList())[0]?.state).toBe("waiting");
  });

  test("--patient asks the DICOM service itself, and the Patient ID gets into no request, output or key", async () => {
    const dicom = await startDicomEmulator();
    try {
      const steps = hospitalDay().filter((step) => step.kind === "store");
      await playHospitalDay(dicom.url, steps);
      const found = await fetch(`${dicom.url}/v2/studies?includefield=00100020`, {
        headers: { accept: "application/dicom+json" },
      });
      const studies = (await found.json()) as Record<string, { Value?: unknown[] }>[];
      const patientId = studies.map((one) => String(one["00100020"]?.Value?.[0] ?? "")).find((id) => id !== "") ?? "";
      const wanted = studies
        .filter((one) => one["00100020"]?.Value?.[0] === patientId)
        .map((one) => `Microsoft.Default/${String(one["0020000D"]?.Value?.[0])}`);
      expect(wanted.length).toBeGreaterThan(0);
      const result = await run("resync", "--patient", patientId, "--dicom-url", dicom.url, "--no-wait", "--json");
      expect([result.code, result.stderr]).toEqual([0, ""]);
      const [request] = await state.requestList();
      expect([...((request?.command["studies"] ?? []) as string[])].sort()).toEqual(wanted.sort());
      expect(result.stdout + Buffer.from(await server.copy()).toString("latin1")).not.toContain(patientId);
      const nobody = await run("resync", "--patient", "NOBODY-1", "--dicom-url", dicom.url);
      expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("has no study of this patient")]);
      expect(nobody.stderr).not.toContain("NOBODY-1");
    } finally {
      await dicom.close();
    }
  });
});

describe("checkpoint", () => {
  test("is shown, set while a worker stores pages, and refused beyond the feed's end", async () => {
    expect((await run("checkpoint", "show")).stdout).toMatch(/^no checkpoint yet/);
    expect((await run("checkpoint", "show", "--json")).stdout).toBe("null\n");
    expect((await run("checkpoint", "set", "41")).code).toBe(0);
    const json = JSON.parse((await run("checkpoint", "show", "--json")).stdout);
    expect(json).toMatchObject({ version: 1, ranges: [{ to: null, scan: 41 }] });
    const dicom = await startDicomEmulator({ synthetic: { studies: 5, images: 2 } });
    try {
      const beyond = await run("checkpoint", "set", "999", "--dicom-url", dicom.url);
      expect([beyond.code, beyond.stderr]).toEqual([1, expect.stringMatching(/the feed ends at 10\..*set 10/)]);
      expect((await run("checkpoint", "set", "0", "--dicom-url", dicom.url)).code).toBe(0);
      const ranges = JSON.parse((await run("checkpoint", "show", "--json")).stdout).ranges;
      expect(ranges).toEqual([
        expect.objectContaining({ to: null, scan: 10 }),
        expect.objectContaining({ to: 10, priority: "low" }),
      ]);
    } finally {
      await dicom.close();
    }
  });

  test("--accept-identity takes the present options", async () => {
    const identity = {
      DICOM_URL: "http://a.example",
      PATIENT_ID_SYSTEM: "urn:oid:1",
      ACCESSION_SYSTEM: "",
      ISSUER_SYSTEMS: "[]",
    };
    await state.stamp({ ...identity, DICOM_URL: "http://old.example" });
    const accept = [
      "checkpoint",
      "--accept-identity",
      "--dicom-url",
      "http://a.example",
      "--fhir-url",
      "http://f.example",
      "--patient-id-system",
      "urn:oid:1",
    ];
    expect((await run(...accept)).code).toBe(0);
    expect(await state.stamp(identity)).toEqual({ kind: "same" });
  });
});
