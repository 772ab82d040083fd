/** What a site's rules may change, what they may not, and that what they add converges. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { loadSiteRules } from "../../src/cli/load-site-rules.ts";
import { StudycastError } from "../../src/errors.ts";
import { type FoundPatient, type Plan, planStudy } from "../../src/fhir/index.ts";
import type { Found } from "../../src/fhir/plan.ts";
import { type StudyResources, studyIdentity } from "../../src/mapping/index.ts";
import { applySiteRules, parseOwned, type SiteModule } from "../../src/site-rules.ts";
import { MAPPING, type Sample, study } from "../fhir/samples.ts";
import { moduleFolder } from "./rules.ts";

const writeModule = moduleFolder();

/** The module of this text, loaded as the worker does. */
async function moduleOf(text: string): Promise<SiteModule> {
  const loaded = await loadSiteRules(await writeModule(text));
  if (loaded === undefined) throw new Error("nothing was loaded");
  return loaded;
}

const rulesOf = (body: string, owns: readonly string[] = []) =>
  moduleOf(`export const owns = ${JSON.stringify(owns)}; export default (resources, context) => { ${body} };`);

/** A FHIR server of one study: syncs plan against it and are stored. */
function server(before: { study?: Found; patient?: Found } = {}) {
  const held = { ...before };
  return {
    held,
    /** How many resources the sync writes. */
    sync(wanted: StudyResources, patientPolicy: "create" | "sync" = "create"): number {
      const patient: FoundPatient =
        held.patient === undefined ? { kind: "absent" } : { kind: "found", patient: held.patient };
      const own = held.study === undefined ? [] : [held.study];
      const found = { identity: studyIdentity("pacs", wanted.study), own, sameUid: own, endpoints: [] };
      const plan: Plan = planStudy(found, patient, wanted, { patientPolicy });
      if (plan.kind !== "write") return 0;
      for (const { resource } of plan.writes)
        held[resource.resourceType === "Patient" ? "patient" : "study"] = JSON.parse(JSON.stringify(resource));
      return plan.writes.length;
    },
  };
}

const sampled = (module: SiteModule | undefined, sample: Sample = {}) =>
  module === undefined ? study(sample) : applySiteRules(study(sample), module, MAPPING);

describe("the example of docs/site-rules.md", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/site-rules.md"), "utf8");
  const example = /```js\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  const teaching = { more: { "00081030": { vr: "LO", Value: ["Teaching file"] } } };

  test("does what it says, and a second sync finds nothing to write", async () => {
    const module = await moduleOf(example);
    const fhir = server();
    expect(fhir.sync(sampled(module, teaching))).toBe(2);
    expect(fhir.held.study?.["extension"]).toEqual([{ url: "https://hospital.example/teaching", valueBoolean: true }]);
    expect(fhir.held.patient?.["managingOrganization"]).toEqual({ reference: "Organization/pacs" });
    expect(fhir.sync(sampled(module, teaching))).toBe(0);
  });

  test("what it owns goes when it no longer says it; of others nothing goes", async () => {
    const module = await moduleOf(example);
    const fhir = server();
    fhir.sync(sampled(module, teaching));
    const others = { url: "https://elsewhere.example", valueBoolean: true };
    const extension = [others, ...[fhir.held.study?.["extension"] ?? []].flat()];
    fhir.held.study = { ...(fhir.held.study as Found), extension };
    expect(fhir.sync(sampled(module, teaching))).toBe(0);
    expect(fhir.sync(sampled(module))).toBe(1);
    expect(fhir.held.study["extension"]).toEqual([others]);
  });
});

describe("what rules add without owning it", () => {
  const ADDING = `
    resources.imagingStudy.language = "de";
    resources.imagingStudy.extension = [{ url: "https://h.example/x", valueString: "1" }];
    resources.imagingStudy.identifier.push({ system: "https://h.example/n", value: "7" });
    resources.imagingStudy.series[0].instance[0].extension = [{ url: "https://h.example/y", valueString: "2" }];
    resources.patient.generalPractitioner = [{ display: "Dr. House" }];
    resources.patient.extension = [{ url: "https://h.example/z", valueString: "3" }];
    return resources;`;

  test("is written to resources that are there already, once, and stays when the rules say nothing any more", async () => {
    const module = await rulesOf(ADDING);
    const fhir = server();
    expect(fhir.sync(sampled(undefined))).toBe(2);
    expect(fhir.sync(sampled(module))).toBe(2);
    expect(fhir.held.study).toMatchObject({
      language: "de",
      extension: [{ valueString: "1" }],
      series: [{ instance: [{ extension: [{ valueString: "2" }] }, {}] }],
    });
    expect(fhir.held.study?.["identifier"]).toContainEqual({ system: "https://h.example/n", value: "7" });
    expect(fhir.held.patient).toMatchObject({ generalPractitioner: [{ display: "Dr. House" }] });
    expect(fhir.held.patient?.["extension"]).toContainEqual({ url: "https://h.example/z", valueString: "3" });
    expect(fhir.sync(sampled(module))).toBe(0);
    expect(fhir.sync(sampled(undefined))).toBe(0);
    expect(fhir.held.study).toMatchObject({ language: "de" });
  });

  test("takes nothing of others away", async () => {
    const module = await rulesOf(ADDING);
    const fhir = server();
    fhir.sync(sampled(undefined));
    fhir.held.patient = { ...(fhir.held.patient as Found), generalPractitioner: [{ display: "Dr. Wilson" }] };
    fhir.sync(sampled(module), "sync");
    expect(fhir.held.patient["generalPractitioner"]).toEqual([{ display: "Dr. Wilson" }, { display: "Dr. House" }]);
    expect(fhir.sync(sampled(module), "sync")).toBe(0);
  });

  test("meta is as the rules say when the resource is made, and is left alone later", async () => {
    const module = await rulesOf(`
      const tag = { system: "https://h.example", code: "x" };
      resources.imagingStudy.meta.tag.push(tag);
      resources.imagingStudy.meta.security = [tag];
      return resources;`);
    const made = server();
    made.sync(sampled(module));
    expect(made.held.study?.["meta"]).toMatchObject({ tag: [{ code: "created" }, { code: "x" }], security: [{}] });
    expect(made.sync(sampled(module))).toBe(0);
    const adopted = server();
    adopted.sync(sampled(undefined));
    adopted.held.study = { ...(adopted.held.study as Found), meta: {} };
    adopted.sync(sampled(module));
    expect(adopted.held.study["meta"]).toEqual({});
  });
});

describe("what rules do to the mapping's own elements", () => {
  test("is what FHIR gets: a changed value, and the removal of one", async () => {
    const fhir = server();
    const described = { more: { "00081030": { vr: "LO", Value: ["CT"] } } };
    fhir.sync(sampled(undefined, described));
    const module = await rulesOf(`
      const { imagingStudy } = resources;
      return { ...resources, imagingStudy: { ...imagingStudy, description: "Other", started: null } };`);
    expect(fhir.sync(sampled(module, described))).toBe(1);
    expect(fhir.held.study).toMatchObject({ description: "Other" });
    expect(fhir.held.study).not.toHaveProperty("started");
    expect(fhir.sync(sampled(module, described))).toBe(0);
  });

  test("never reaches another study: what is given is a copy", async () => {
    const built = study();
    const before = JSON.stringify(built);
    const module = await rulesOf(`
      resources.imagingStudy.series[0].uid = "1.2.9"; resources.imagingStudy.modality.length = 0; return resources;`);
    applySiteRules(built, module, MAPPING);
    expect(JSON.stringify(built)).toBe(before);
  });
});

describe("a result that is refused", () => {
  test.each([
    ["return Promise.resolve(resources);", "a promise"],
    ["return Promise.reject(new Error('Doe'));", "a promise"],
    ["return undefined;", "no object"],
    ["return [];", "no object"],
    ["throw new TypeError('Doe^Jane');", "it threw TypeError at rules-"],
    ["throw 'Doe^Jane';", "it threw something"],
    ["resources.imagingStudy.me = resources; return resources;", "JSON"],
    ["resources.imagingStudy.id = 'Doe'; return resources;", "imagingStudy has another resourceType or id"],
    ["resources.imagingStudy.resourceType = 'Doe'; return resources;", "another resourceType"],
    ["resources.imagingStudy.identifier.shift(); return resources;", "Study Instance UID"],
    ["delete resources.imagingStudy.meta; return resources;", "lacks the tag"],
    ["resources.imagingStudy.subject = { display: 'Doe' }; return resources;", "has a subject"],
    ["resources.imagingStudy.series.push(resources.imagingStudy.series[0]); return resources;", "uid of their own"],
    ["resources.imagingStudy.series = [null]; return resources;", "uid of their own"],
    ["resources.patient.identifier = [{ value: 'Doe' }]; return resources;", "the identifier that finds it"],
    ["resources.patient.id = 'Doe'; return resources;", "patient has another"],
    ["delete resources.patient; return resources;", "patient is missing"],
    ["resources.supporting.push(resources.patient); return resources;", "more or fewer"],
  ])("%s", async (body, reason) => {
    const module = await rulesOf(body);
    let thrown: unknown;
    try {
      sampled(module);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof StudycastError)) throw new Error("nothing was refused");
    expect([thrown.code, thrown.message]).toEqual(["MAPPING_MODULE_FAILED", expect.stringContaining(reason)]);
    expect(thrown.message).not.toContain("Doe");
  });
});

describe("a module", () => {
  test.each([
    ["syntax errors", "export default (", "fails with SyntaxError"],
    ["a throw at its load", "throw new RangeError('x')", "fails with RangeError"],
    ["no function", "export const owns = []", "only exported function"],
    ["two functions and no default", "export const a = () => 1; export const b = () => 2", "only exported function"],
    ["an owns that is no list", "export const owns = 'x'; export default (r) => r", "a list"],
    ["an owns of the mapping's own", "export const owns = ['Patient.name']; export default (r) => r", "Patient.name"],
  ])("with %s is refused in one sentence", async (_what, text, sentence) => {
    await expect(moduleOf(text)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      detail: { problems: [expect.stringMatching(/^MAPPING_MODULE "[^\n]*": expected [^\n]*$/)] },
      message: expect.stringContaining(sentence),
    });
  });

  test("that is not there is refused; one with a single function needs no default export", async () => {
    await expect(loadSiteRules("/nowhere/rules.mjs")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const { rules } = await moduleOf("export function change(resources) { return resources; }");
    expect(rules).toBeInstanceOf(Function);
    expect(await loadSiteRules(undefined)).toBeUndefined();
  });

  test.each([
    ["Patient.generalPractitioner", true],
    ["ImagingStudy.extension[url=https://h.example/x]", true],
    ["ImagingStudy.series.extension[url=https://h.example/x]", true],
    ["ImagingStudy.identifier[system=https://h.example/n]", true],
    ["ImagingStudy.language", true],
    ["ImagingStudy.extension", false],
    ["ImagingStudy.extension[url=urn:studycast:as-of]", false],
    ["ImagingStudy.description", false],
    ["ImagingStudy.location.display", false],
    ["ImagingStudy.series", false],
    ["ImagingStudy.meta.tag", false],
    ["ImagingStudy.subject", false],
    ["Patient.id", false],
    ["Patient", false],
    ["Endpoint.name", false],
    ["Patient.name[system=x]", true],
    [7, false],
  ])("may own %s: %s", (text, may) => {
    expect(parseOwned(text) !== undefined).toBe(may);
  });
});
