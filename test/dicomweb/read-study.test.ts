import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import { el, writePart10 } from "../../emulators/samples/index.ts";
import { createDicomClient, type DicomClientOptions, probePartitions, retrieveUrl } from "../../src/dicomweb/index.ts";
import { DEFAULT_PARTITION, type StudyId, studyId } from "../../src/study.ts";

const { signal } = new AbortController();
const STUDY = studyId(DEFAULT_PARTITION, "1.2.3");
const closers: (() => Promise<void> | void)[] = [];
let emulator: DicomEmulator;

beforeEach(async () => {
  emulator = await startDicomEmulator();
});
afterEach(async () => {
  await emulator.close();
  for (const close of closers.splice(0)) await close();
});

function client(options: Partial<DicomClientOptions> = {}) {
  return createDicomClient({
    url: emulator.url,
    requestTimeoutMs: 2_000,
    idleTimeoutMs: 500,
    partitions: false,
    maxInstanceBytes: 100_000,
    ...options,
  });
}

/** A server of one's own making, for what the emulator does not do. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function store(study: string, images: number, into = emulator, partition?: string): void {
  for (let n = 1; n <= images; n++) {
    const bytes = writePart10({
      "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
      "00080018": el("UI", `${study}.1.${n}`),
      "00100020": el("LO", "P1"),
      "0020000D": el("UI", study),
      "0020000E": el("UI", `${study}.1`),
    });
    into.store(bytes, partition === undefined ? {} : { partition });
  }
}

/** Reads as the sync does: what was handed over before a restart is void. */
async function read(dicom: ReturnType<typeof client>, study: StudyId = STUDY) {
  let sops: string[] = [];
  let restarts = 0;
  const visitor = {
    onInstance: (dataset: Record<string, unknown>) =>
      void sops.push((dataset["00080018"] as { Value: string[] }).Value[0] ?? ""),
    restart() {
      sops = [];
      restarts++;
    },
  };
  const result = await dicom.readStudy(study, visitor, signal);
  return { result, sops: sops.toSorted(), restarts };
}
const sopsOf = (study: string, images: number, without: number[] = []) =>
  Array.from({ length: images }, (_, n) => n + 1)
    .filter((n) => !without.includes(n))
    .map((n) => `${study}.1.${n}`)
    .toSorted();

describe("reading a study", () => {
  test("an instance with one text of 16 MB is told as unreadable, and no more", async () => {
    const image = (n: number, text: string) =>
      `{"00080005":{"vr":"UT","Value":["${text}"]},"0020000D":{"vr":"UI","Value":["1.2.3"]},"00080018":{"vr":"UI","Value":["1.2.3.${n}"]}}`;
    const url = await serve((_request, response) =>
      response
        .setHeader("content-type", "application/dicom+json")
        .end(`[${image(1, "x".repeat(16_000_000))},${image(2, "")}]`),
    );
    const { result, sops } = await read(client({ url, maxInstanceBytes: 15_000_000 }));
    expect([result, sops]).toEqual([expect.objectContaining({ kind: "read", instances: 1 }), ["1.2.3.2"]]);
    expect(result).toMatchObject({ unreadable: [{ code: "INSTANCE_UNREADABLE" }] });
  });

  test("a search that gives the same full page for ever ends", async () => {
    const rows = Array.from({ length: 200 }, (_, n) => ({ "0020000D": { vr: "UI", Value: [`1.2.${n}`] } }));
    const url = await serve((_request, response) =>
      response.setHeader("content-type", "application/dicom+json").end(JSON.stringify(rows)),
    );
    const search = async () => {
      for await (const _ of client({ url }).searchStudies({}, DEFAULT_PARTITION, signal));
    };
    await expect(search()).rejects.toMatchObject({ code: "DICOM_RESPONSE", detail: { what: "no paging" } });
  });

  test("hands over each instance once", async () => {
    store("1.2.3", 25);
    store("1.2.4", 3);
    const { result, sops, restarts } = await read(client());
    expect(result).toMatchObject({ kind: "read", instances: 25, unreadable: [] });
    expect(sops).toEqual(sopsOf("1.2.3", 25));
    expect(restarts).toBe(0);
  });

  test("one bad metadata blob does not take the study with it: its instance is named as unreadable", async () => {
    store("1.2.3", 12);
    emulator.control.badBlob({ study: "1.2.3", series: "1.2.3.1", instance: "1.2.3.1.7" });
    const { result, sops } = await read(client());
    expect(result).toMatchObject({
      kind: "read",
      instances: 11,
      unreadable: [{ series: "1.2.3.1", sop: "1.2.3.1.7", code: "INSTANCE_UNREADABLE" }],
    });
    expect(sops).toEqual(sopsOf("1.2.3", 12, [7]));
  });

  test("a study whose only blob is bad is unreadable if other studies can be read, else the service is in trouble", async () => {
    store("1.2.3", 1);
    emulator.control.badBlob({ study: "1.2.3" });
    await expect(read(client())).rejects.toMatchObject({ code: "DICOM_UNAVAILABLE" });
    store("1.2.4", 1);
    const { result } = await read(client());
    expect(result).toMatchObject({ kind: "read", instances: 0, unreadable: [{ sop: "1.2.3.1.1" }] });
  });

  test("metadata that cannot be read anywhere are the service's trouble, although QIDO-RS answers", async () => {
    store("1.2.3", 5);
    store("1.2.4", 5);
    emulator.control.status({ route: "metadata", status: 503 });
    await expect(read(client())).rejects.toMatchObject({ code: "DICOM_UNAVAILABLE", detail: { status: 503 } });
  });

  test("trouble of the service that ends after the last try of an instance does not make it unreadable", async () => {
    store("1.2.3", 1);
    store("1.2.4", 1);
    // All of the study twice, then its instance three times; what follows is whether another can be read.
    emulator.control.status({ route: "metadata", status: 500, times: 5 });
    const { result, sops } = await read(client());
    expect(result).toMatchObject({ kind: "read", instances: 1, unreadable: [] });
    expect(sops).toEqual(sopsOf("1.2.3", 1));
  });

  test("a body that breaks off once is read again; one that always does is read instance by instance", async () => {
    store("1.2.3", 10);
    emulator.control.breakStudyRead({ study: "1.2.3", afterInstances: 4, times: 1 });
    const once = await read(client());
    expect([once.restarts, once.sops]).toEqual([1, sopsOf("1.2.3", 10)]);
    emulator.control.breakStudyRead({ study: "1.2.3", afterInstances: 4, times: 2 });
    const twice = await read(client());
    expect([twice.restarts, twice.sops]).toEqual([2, sopsOf("1.2.3", 10)]);
  });

  test("absent is only what neither WADO-RS nor QIDO-RS knows", async () => {
    expect((await read(client())).result).toEqual({ kind: "absent" });
    store("1.2.3", 2);
    emulator.control.status({ route: "metadata", status: 404, times: 1 });
    expect((await read(client())).sops).toEqual(sopsOf("1.2.3", 2));
    emulator.control.status({ route: "metadata", status: 404 });
    await expect(read(client())).rejects.toMatchObject({ code: "DICOM_UNAVAILABLE" });
    emulator.control.clearFaults();
    emulator.control.status({ route: "metadata", status: 404 });
    emulator.control.status({ route: "query", status: 503 });
    await expect(read(client())).rejects.toMatchObject({ code: "DICOM_UNAVAILABLE" });
  });

  test.each([
    [429, "DICOM_THROTTLED", 2000],
    [503, "DICOM_UNAVAILABLE", 2000],
    [401, "DICOM_UNAUTHORIZED", undefined],
    [403, "DICOM_UNAUTHORIZED", undefined],
    [400, "DICOM_REFUSED", undefined],
    [302, "DICOM_RESPONSE", undefined],
  ])("status %i with a time to come back is %s, and no instance is asked for", async (status, code, retryAfterMs) => {
    store("1.2.3", 2);
    emulator.control.status({ route: "metadata", status, retryAfter: "2" });
    const error = await read(client()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  });

  test("an instance that is too large, broken, or of another study is named, and the others are read", async () => {
    const dataset = (sop: string, more: object = {}) => ({
      "00080018": { vr: "UI", Value: [sop] },
      "0020000D": { vr: "UI", Value: ["1.2.3"] },
      "0020000E": { vr: "UI", Value: ["1.9"] },
      ...more,
    });
    const elements = [
      JSON.stringify(dataset("1.1")),
      JSON.stringify(dataset("1.2", { "00400000": { vr: "LT", Value: [']},[{\\"x'.repeat(20_000)] } })),
      JSON.stringify(dataset("1.3")).replace('"vr":"UI"', '"vr":UI'),
      JSON.stringify(dataset("1.4", { "0020000D": { vr: "UI", Value: ["1.2.999"] } })),
      "null",
      JSON.stringify(dataset("1.5", { "00100010": { vr: "PN", Value: [{ Alphabetic: 'Ä"]},{\\' }] } })),
    ];
    const url = await serve((_, reply) => {
      reply.writeHead(200, { "content-type": "application/dicom+json", "content-encoding": "gzip" });
      reply.end(gzipSync(`\uFEFF [ ${elements.join(" ,\n")} ] `));
    });
    const { result, sops } = await read(client({ url }));
    expect(sops).toEqual(["1.1", "1.5"]);
    expect(result).toMatchObject({
      instances: 2,
      unreadable: [
        { series: "1.9", sop: "1.2", code: "INSTANCE_UNREADABLE" },
        { series: "1.9", sop: "1.3" },
        { series: "1.9", sop: "1.4" },
        { code: "INSTANCE_UNREADABLE" },
      ],
    });
  });

  test("a web page instead of metadata is DICOM_RESPONSE; no server, or a silent one, is DICOM_UNAVAILABLE", async () => {
    const page = await serve((_, reply) => void reply.end("<html>Sign in, Doe</html>"));
    await expect(read(client({ url: page }))).rejects.toMatchObject({ code: "DICOM_RESPONSE" });
    const silent = await serve(() => undefined);
    await expect(read(client({ url: silent, requestTimeoutMs: 200 }))).rejects.toMatchObject({
      code: "DICOM_UNAVAILABLE",
    });
    await expect(read(client({ url: "http://127.0.0.1:9" }))).rejects.toMatchObject({ code: "DICOM_UNAVAILABLE" });
  });

  test("ends at once when aborted in the middle of a body", async () => {
    const url = await serve((_, reply) => void reply.write("[{}"));
    const abort = new AbortController();
    const reading = client({ url, idleTimeoutMs: 10_000 }).readStudy(
      STUDY,
      { onInstance: () => undefined, restart: () => undefined },
      abort.signal,
    );
    setTimeout(() => abort.abort(), 50);
    const startMs = Date.now();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    expect(Date.now() - startMs).toBeLessThan(1_000);
  });
});

describe("searching and probing", () => {
  test("finds every study once over many pages, and none for a patient who has none", async () => {
    for (let n = 1; n <= 450; n++) store(`1.2.${n}`, 1);
    const found: string[] = [];
    for await (const study of client().searchStudies({}, DEFAULT_PARTITION, signal)) found.push(study);
    expect(found).toHaveLength(450);
    expect(new Set(found).size).toBe(450);
    for await (const study of client().searchStudies({ patientId: "A B+C" }, DEFAULT_PARTITION, signal))
      throw new Error(`found ${study}`);
  });

  test("partitions are found out, listed, and named in every address", async () => {
    expect(await probePartitions({ url: emulator.url, requestTimeoutMs: 500 }, signal)).toBe(false);
    const parted = await startDicomEmulator({ partitions: true });
    closers.push(() => parted.close());
    store("1.2.3", 2, parted, "clinic-a");
    const dicom = client({ url: parted.url, partitions: true });
    expect(await probePartitions({ url: parted.url, requestTimeoutMs: 500 }, signal)).toBe(true);
    expect((await dicom.partitions(signal)).toSorted()).toEqual(["Microsoft.Default", "clinic-a"]);
    expect((await read(dicom, studyId("clinic-a", "1.2.3"))).sops).toHaveLength(2);
    expect((await read(dicom, STUDY)).result).toEqual({ kind: "absent" });
    expect(await dicom.probe(signal)).toBe(true);
  });

  test("a probe says whether the service answers", async () => {
    expect(await client().probe(signal)).toBe(true);
    for (const status of [503, 429, 401]) {
      emulator.control.status({ route: "any", status });
      expect(await client().probe(signal)).toBe(false);
      emulator.control.clearFaults();
    }
    expect(await client({ url: "http://127.0.0.1:9" }).probe(signal)).toBe(false);
  });

  test("the address for Endpoint ends with the version or the partition", () => {
    expect(retrieveUrl("https://dicom.example/", "p", false)).toBe("https://dicom.example/v2");
    expect(retrieveUrl("https://dicom.example", "a b", true)).toBe("https://dicom.example/v2/partitions/a%20b");
  });
});
