/** The module of a site in the real worker and in `map`. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { ERRORS } from "../../src/errors.ts";
import { instancesByStudy, type Pipeline, startPipeline, until } from "../faults/pipeline.ts";
import { runCommand } from "../support/worker-process.ts";
import { moduleFolder } from "./rules.ts";

const writeModule = moduleFolder();
let pipeline: Pipeline | undefined;
afterEach(async () => {
  await pipeline?.close();
  pipeline = undefined;
});

const MARK = `const mark = { url: "https://h.example/site", valueString: "x" };
  resources.imagingStudy.extension = [mark];`;

describe("MAPPING_MODULE", () => {
  test("MAPPING_MODULE_FAILED: a study whose rules fail is set aside with what to do, the others are written by them", async () => {
    pipeline = await startPipeline({ dicom: { synthetic: { studies: 3, images: 2 } } });
    const { fhir, status, worker: start, command, dicom } = pipeline;
    const answer = await fetch(`${dicom.url}/v2/studies`, { headers: { accept: "application/dicom+json" } });
    const [first] = (await answer.json()) as { "0020000D": { Value: [string] } }[];
    const uid = first?.["0020000D"].Value[0] ?? "";
    const failing = `if (context.study.studyInstanceUid === ${JSON.stringify(uid)}) throw new TypeError(JSON.stringify(resources));`;
    const path = await writeModule(`export default (resources, context) => { ${failing} ${MARK} return resources; }`);
    const worker = start({ MAPPING_MODULE: path });
    const more = () => worker.output();
    await until("two are written", () => instancesByStudy(fhir).size === 2, { more });
    await until("one is set aside", async () => (await status()).failed.length === 1, { more });
    expect(fhir.resources("ImagingStudy")).toEqual(
      [1, 2].map(() => expect.objectContaining({ extension: [{ url: "https://h.example/site", valueString: "x" }] })),
    );
    const { stdout } = await command(["status", "--json"]);
    expect(JSON.parse(stdout).failed).toEqual([
      expect.objectContaining({ code: "MAPPING_MODULE_FAILED", study: expect.stringContaining(uid) }),
    ]);
    expect(worker.output()).toContain(ERRORS.MAPPING_MODULE_FAILED.hint.slice(0, 30));
    expect(worker.output()).toMatch(/it threw TypeError at rules-\d+\.mjs:1:\d+/);
    expect(worker.output()).not.toMatch(/resourceType|Patient\//);

    // Synced again, nothing is to be written.
    const writes = fhir.writes();
    expect((await command(["resync", "--all"])).code).toBe(0);
    await until("synced again", async () => (await status()).studies.pending === 0, { more });
    expect(fhir.writes()).toBe(writes);
    expect(await worker.stop()).toBe(0);

    // The corrected module.
    const corrected = start({
      MAPPING_MODULE: await writeModule(`export default (resources) => { ${MARK} return resources; }`),
    });
    expect((await command(["retry", "--all"])).code).toBe(0);
    await until("all are written", () => instancesByStudy(fhir).size === 3, { more: () => corrected.output() });
    expect(await corrected.stop()).toBe(0);
  }, 60_000);

  test("one that cannot be loaded refuses the start, and map, with one sentence", async () => {
    const options = {
      DICOM_URL: "http://127.0.0.1:9",
      FHIR_URL: "http://127.0.0.1:9",
      PATIENT_ID_SYSTEM: "urn:oid:1.2",
      MAPPING_MODULE: "/nowhere/rules.mjs",
    };
    for (const words of [["start"], ["map", "-"]]) {
      const { code, stdout, stderr } = await runCommand(words, options, "[]");
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(
        /^CONFIG_INVALID: MAPPING_MODULE "\/nowhere\/rules\.mjs": expected an ES module.*\nTry: .*\n$/,
      );
    }
  });

  test("map shows what the rules do, and --explain marks it", async () => {
    const image = {
      "00080016": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.2"] },
      "00080018": { vr: "UI", Value: ["1.2.3.4.1"] },
      "00080060": { vr: "CS", Value: ["CT"] },
      "00081030": { vr: "LO", Value: ["Chest"] },
      "00100020": { vr: "LO", Value: ["P-1"] },
      "0020000D": { vr: "UI", Value: ["1.2.3"] },
      "0020000E": { vr: "UI", Value: ["1.2.3.4"] },
    };
    const rules =
      "resources.imagingStudy.description = 'Thorax'; resources.imagingStudy.language = 'de'; return resources;";
    const path = await writeModule(`export default (resources) => { ${rules} }`);
    const words = ["--patient-id-system", "urn:oid:1.2", "--mapping-module", path, "-"];
    const mapped = await runCommand(["map", ...words], {}, JSON.stringify(image));
    expect([mapped.code, mapped.stdout]).toEqual([0, expect.stringContaining('"Thorax"')]);
    const explained = await runCommand(["map", "--explain", ...words], {}, JSON.stringify(image));
    const changed = JSON.parse(explained.stdout).studies[0].elements.filter((one: { changed?: true }) => one.changed);
    expect(changed).toEqual([
      expect.objectContaining({ element: "ImagingStudy.description", value: "Thorax", votes: 1 }),
      expect.objectContaining({ element: "ImagingStudy.language", value: "de", source: "MAPPING_MODULE" }),
    ]);
  });
});
