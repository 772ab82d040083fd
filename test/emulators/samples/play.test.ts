import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../../emulators/dicom/index.ts";
import {
  hospitalDay,
  hospitalDayEvening,
  type PlayProgress,
  playHospitalDay,
  storeFolder,
} from "../../../emulators/samples/index.ts";

type Json = Record<string, { Value?: unknown[] }>;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function emulator(): Promise<DicomEmulator> {
  const started = await startDicomEmulator();
  closing.push(() => started.close());
  return started;
}

async function json(url: string): Promise<Json[]> {
  const response = await fetch(url, { headers: { Accept: "application/dicom+json" } });
  if (response.status === 204) return [];
  expect(response.status).toBe(200);
  return (await response.json()) as Json[];
}

/** A service that gives the listed answers, one per request, and notes what was asked. */
async function scripted(answers: [status: number, body: string][]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      asked.push(`${request.method} ${request.url}`);
      const [status, body] = answers[asked.length - 1] ?? [500, ""];
      response.writeHead(status, { "Content-Type": "application/json" }).end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const update = {
  at: "12:00",
  what: "moved",
  kind: "bulkUpdate",
  studyInstanceUids: ["1.2"],
  changeDataset: {},
} as const;

describe("playing a hospital day", () => {
  test("after the day the service holds exactly the studies of the evening", async () => {
    const { url } = await emulator();
    const steps = hospitalDay();
    const seen: PlayProgress[] = [];
    const sent = steps.reduce((sum, step) => sum + (step.kind === "store" ? step.files.length : 0), 0);
    const sum = await playHospitalDay(url, steps, { onProgress: (progress) => seen.push(progress) });
    expect(sum).toEqual({ stored: sent, refused: 0 });
    expect(seen.map((progress) => progress.step)).toEqual(steps.map((_, i) => i + 1));

    const evening = hospitalDayEvening();
    const studies = await json(`${url}/v2/studies?limit=200`);
    const held = studies.map((study) => study["0020000D"]?.Value?.[0]);
    expect(held.sort()).toEqual(evening.map((study) => study.studyInstanceUid).sort());
    for (const expected of evening) {
      const instances = await json(`${url}/v2/studies/${expected.studyInstanceUid}/metadata`);
      const values = (tag: string): Set<unknown> => new Set(instances.map((one) => one[tag]?.Value?.[0]));
      expect(instances).toHaveLength(expected.instances);
      expect(values("00100020")).toEqual(new Set([expected.patientId]));
      expect(values("00100021")).toEqual(new Set([expected.issuer]));
      const names = instances.map(
        (one) => (one["00100010"]?.Value?.[0] as { Alphabetic?: string } | undefined)?.Alphabetic,
      );
      expect(new Set(names)).toEqual(new Set([expected.patientName]));
      const bySeries = Map.groupBy(instances, (one) => one["0020000E"]?.Value?.[0]);
      expect(new Map([...bySeries].map(([uid, own]) => [uid, own.length]))).toEqual(
        new Map(expected.series.map((series) => [series.seriesInstanceUid, series.instances])),
      );
    }
  });

  test("an update waits for another one to end, and for its own end", async () => {
    const { url, asked } = await scripted([
      [409, ""],
      [202, '{"id":"op1"}'],
      [202, '{"status":"running"}'],
      [200, '{"status":"succeeded"}'],
    ]);
    await playHospitalDay(url, [update]);
    expect(asked).toEqual([
      "POST /v2/studies/$bulkUpdate",
      "POST /v2/studies/$bulkUpdate",
      "GET /v2/operations/op1",
      "GET /v2/operations/op1",
    ]);
  });

  test("an update that failed ends the play with an error", async () => {
    const { url } = await scripted([
      [202, '{"id":"op1"}'],
      [200, '{"status":"failed"}'],
    ]);
    await expect(playHospitalDay(url, [update])).rejects.toThrow("ended as failed");
  });

  test("an abort stops the play between two steps", async () => {
    const { url } = await emulator();
    const stop = new AbortController();
    const seen: number[] = [];
    const playing = playHospitalDay(url, hospitalDay(), {
      signal: stop.signal,
      pauseMs: 60_000,
      onProgress: ({ step }) => {
        seen.push(step);
        stop.abort();
      },
    });
    await expect(playing).rejects.toMatchObject({ name: "AbortError" });
    expect(seen).toEqual([1]);
  });
});

describe("storing a folder", () => {
  test("every file is sent in path order; a bad one, or the same one again, is refused and stops nothing", async () => {
    const dir = await mkdtemp(join(tmpdir(), "samples-"));
    closing.push(() => rm(dir, { recursive: true }));
    const files = hospitalDay()
      .flatMap((step) => (step.kind === "store" ? step.files : []))
      .slice(0, 5);
    await mkdir(join(dir, "a"));
    for (const [i, bytes] of files.entries()) await writeFile(join(dir, "a", `${i}.dcm`), bytes);
    await writeFile(join(dir, "0-not-dicom.txt"), "hello");
    await writeFile(join(dir, "1-empty"), "");
    await writeFile(join(dir, "b-again.dcm"), files[0] ?? "");
    const { url } = await emulator();
    const seen: number[] = [];
    const sum = await storeFolder(url, dir, { onProgress: ({ stored, total }) => seen.push(stored + total) });
    expect(sum).toEqual({ stored: 5, refused: 3 });
    expect(seen).toEqual([8, 8, 9, 10, 11, 12, 13, 13]);
  });

  test("a file over which a service fails is refused, and the next one is sent", async () => {
    const dir = await mkdtemp(join(tmpdir(), "samples-"));
    closing.push(() => rm(dir, { recursive: true }));
    for (const name of ["x", "y"]) await writeFile(join(dir, name), name);
    const { url, asked } = await scripted([
      [500, ""],
      [200, "{}"],
      [200, '{"00081199":{"vr":"SQ","Value":[{}]}}'],
    ]);
    expect(await storeFolder(url, dir)).toEqual({ stored: 1, refused: 1 });
    expect(asked[1]).toBe("GET /v2/changefeed/latest?includeMetadata=false");
  });

  test("a service that is gone ends it with an error", async () => {
    const dir = await mkdtemp(join(tmpdir(), "samples-"));
    closing.push(() => rm(dir, { recursive: true }));
    await writeFile(join(dir, "x"), "x");
    const { url } = await scripted([
      [500, ""],
      [500, ""],
    ]);
    await expect(storeFolder(url, dir)).rejects.toThrow("status 500");
  });

  test("a service that answers 503 once is asked again", async () => {
    const dir = await mkdtemp(join(tmpdir(), "samples-"));
    closing.push(() => rm(dir, { recursive: true }));
    await writeFile(join(dir, "x"), "x");
    const { url, asked } = await scripted([
      [503, ""],
      [200, '{"00081199":{"vr":"SQ","Value":[{}]}}'],
    ]);
    expect(await storeFolder(url, dir)).toEqual({ stored: 1, refused: 0 });
    expect(asked).toHaveLength(2);
  });
});
