/**
 * The hospital day through a worker whose servers answer with errors that repeat the request: names, identifiers, search URLs.
 * Then everything that people or other programs can read of the worker is searched for the patients of the day.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Fault } from "../../emulators/fault-proxy/index.ts";
import { hospitalDay, hospitalDayEvening, playHospitalDay } from "../../emulators/samples/index.ts";
import { patient } from "../../emulators/samples/patients.ts";
import type { WorkerProcess } from "../support/worker-process.ts";
import { type Pipeline, page, startPipeline, until } from "./pipeline.ts";
import { everythingInRedis } from "./redis-text.ts";

const SEED = "studycast";

/** Every third or so request to FHIR fails, each failure repeating the request; one study is refused for good. */
const FHIR_FAULTS: Fault[] = [
  {
    effect: { kind: "status", status: 422, code: "invalid", body: "outcome" },
    method: "POST",
    body: `"resourceType":"ImagingStudy".*(${refusedStudy()})`,
  },
  { effect: { kind: "status", status: 500, body: "outcome" }, probability: 0.15, seed: 2 },
  { effect: { kind: "status", status: 400, body: "outcome" }, method: "POST", body: "transaction", nth: 3 },
  { effect: { kind: "status", status: 502, body: "html" }, probability: 0.1, seed: 3 },
  { effect: { kind: "html" }, probability: 0.05, seed: 4 },
  { effect: { kind: "status", status: 429, retryAfter: 0, body: "outcome" }, probability: 0.05, seed: 5 },
  { effect: { kind: "reset", when: "after" }, probability: 0.05, seed: 6 },
];
const DICOM_FAULTS: Fault[] = [
  { effect: { kind: "status", status: 500, body: "html" }, path: "/metadata", probability: 0.2, seed: 7 },
  { effect: { kind: "truncate" }, path: "/metadata", probability: 0.1, seed: 8 },
];

function refusedStudy(): string {
  return hospitalDayEvening({ seed: SEED })[0]?.studyInstanceUid.replaceAll(".", "\\.") ?? "none";
}

/** Every name component, ID, birth date (both ways to write it) and accession number of the day. */
function personalData(): string[] {
  const keys = ["german", "japanese", "katakana", "greek", "korean", "chinese", "polish"] as const;
  const people = keys.map((key) => patient(SEED, key));
  const names = [...people.map(({ name }) => name), "QA^Phantom", "Weiss^Ada^^Dr."].flatMap((name) =>
    name.split(/[=^]/).filter((part) => part.length > 2 || /[^\p{ASCII}]/u.test(part)),
  );
  const birthDates = people.flatMap(({ birthDate: d }) => [d, `${d.slice(0, 4)}-${d.slice(4, 6)}-${d.slice(6)}`]);
  const accessions = hospitalDayEvening({ seed: SEED }).flatMap(({ accession }) => accession ?? []);
  const all = [...names, ...people.map(({ id }) => id), "QA20260302", ...birthDates, ...accessions];
  return [...new Set(all)].filter((text) => text !== "Dr.");
}

describe("no patient data leaves the FHIR writes, though every error of the servers repeats the request", () => {
  let pipeline: Pipeline;
  let worker: WorkerProcess;
  const readable = new Map<string, string>();

  beforeAll(async () => {
    pipeline = await startPipeline();
    const { dicom, fhirProxy, dicomProxy } = pipeline;
    worker = pipeline.worker({ LOG_LEVEL: "debug" });
    await until("start", async () => (await page(worker, "/startupz")).status === 200, { more: worker.output });
    fhirProxy.faults(FHIR_FAULTS);
    dicomProxy.faults(DICOM_FAULTS);
    const patientIds = people();
    await playHospitalDay(dicom.url, hospitalDay({ seed: SEED }));
    await until("a refused study", async () => (await pipeline.status()).studies.failed > 0, { more: worker.output });
    await collect("while it fails");
    await pipeline.command(["retry", "--all"]);
    await pipeline.command(["resync", "--patient", patientIds[0] ?? ""]);
    await pipeline.command(["resync", "--all"]);
    await until(
      "all but what is refused",
      async () => {
        const { studies } = await pipeline.status();
        return studies.pending === 0 && studies.failed > 0;
      },
      { more: worker.output, limitMs: 30_000 },
    );
    await collect("at the end");
    expect(await worker.stop()).toBe(0);
    readable.set("log", worker.output());
  }, 90_000);
  afterAll(() => pipeline.close());

  const people = () => (["german", "greek"] as const).map((key) => patient(SEED, key).id);

  async function collect(when: string): Promise<void> {
    for (const path of ["/", "/metrics", "/readyz", "/livez", "/startupz", "/queues", "/queues/api/queues"]) {
      readable.set(`${path} ${when}`, (await page(worker, path)).text);
    }
    for (const state of ["failed", "delayed", "active", "waiting", "completed"]) {
      const path = `/queues/api/queues?activeQueue=sync&status=${state}&jobsPerPage=100`;
      readable.set(`${path} ${when}`, (await page(worker, path)).text);
    }
    readable.set(`Redis ${when}`, await everythingInRedis(pipeline.redis.redis));
    for (const words of [
      ["status", "--json"],
      ["status"],
      ["rejected", "--json"],
      ["rejected"],
      ["checkpoint", "show", "--json"],
    ]) {
      const { code, stdout, stderr } = await pipeline.command(words);
      expect([words, code, stderr]).toEqual([words, 0, ""]);
      readable.set(`${words.join(" ")} ${when}`, stdout);
    }
  }

  test("the input was there to leak: FHIR holds it, and the errors repeated it", () => {
    const inFhir = JSON.stringify(pipeline.fhir.resources());
    for (const text of ["Yamada", "山田", "Παπαδοπούλου", patient(SEED, "german").id, "1971-09-23"])
      expect(inFhir).toContain(text);
    expect(pipeline.fhirProxy.counts().requests).toBeGreaterThan(50);
    expect(readable.get("log")).toMatch(/FHIR_REJECTED/);
    expect(readable.get("log")).toMatch(/FHIR_UNAVAILABLE/);
    expect(readable.get("Redis while it fails")).toMatch(/FHIR_REJECTED/);
    expect(readable.get("/queues/api/queues?activeQueue=sync&status=failed&jobsPerPage=100 while it fails")).toMatch(
      /FHIR_REJECTED/,
    );
  });

  test("no name, ID, birth date or accession number is in logs, metrics, pages, Redis, jobs or command output", () => {
    const found = [...readable].flatMap(([where, content]) => {
      const plain = `${content}\n${decoded(content)}`.toLowerCase();
      return personalData().flatMap((secret) =>
        containsText(plain, secret.toLowerCase()) ? [`${secret} in ${where}`] : [],
      );
    });
    expect(found).toEqual([]);
  });

  test("no Patient resource id and no URL with a query to FHIR is there either", () => {
    const ids = pipeline.fhir.resources("Patient").map(({ id }) => id ?? "?");
    expect(ids.length).toBeGreaterThan(3);
    for (const [where, content] of readable) {
      for (const id of ids) expect([where, content.includes(id)]).toEqual([where, false]);
      expect([where, /[?&]identifier=|\/fhir\/Patient\//.test(content)]).toEqual([where, false]);
    }
  });
});

/** Latin letters and digits count as found only as a whole word: "Hong" is in no UID, but a birth date may be by chance. */
function containsText(content: string, text: string): boolean {
  if (!/^[a-z0-9-]+$/.test(text)) return content.includes(text);
  return new RegExp(`(?<![a-z0-9.])${text}(?![a-z0-9.])`).test(content);
}

/** JSON and URL escapes undone, so that an escaped name is found too. */
function decoded(content: string): string {
  const unescaped = content.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return unescaped.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}
