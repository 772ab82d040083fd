import { describe, expect, test } from "@jest/globals";
import {
  type ConfigInput,
  identityOptions,
  maskUrl,
  OPTIONS,
  optionList,
  problemText,
  resolveConfig,
  resolvePart,
} from "../../src/config.ts";

const enough = {
  DICOM_URL: "https://dicom.example",
  FHIR_URL: "https://fhir.example/fhir/",
  PATIENT_ID_SYSTEM: "urn:oid:1.2.3",
};

function input(given: Partial<ConfigInput>): ConfigInput {
  return { flags: {}, env: {}, file: undefined, readFile: () => fail("no file expected"), ...given };
}
function fail(why: string): never {
  throw new Error(why);
}
function resolved(given: Partial<ConfigInput>) {
  const result = resolveConfig(input({ ...given, env: { ...enough, ...given.env } }));
  if (!result.ok) fail(result.problems.map(problemText).join("\n"));
  return result.config;
}
function problems(env: Record<string, string>, given: Partial<ConfigInput> = {}) {
  const result = resolveConfig(input({ ...given, env: { ...enough, ...env } }));
  return result.ok ? [] : result.problems.map(problemText);
}

describe("where an option comes from", () => {
  test("a flag wins over the environment, that over the file, that over the default", () => {
    const file = { CONCURRENCY: 3, GRACE_MS: 30, LEASE_MS: 3000 };
    const config = resolved({ flags: { CONCURRENCY: "1" }, env: { CONCURRENCY: "2", GRACE_MS: "20" }, file });
    expect([config.CONCURRENCY, config.GRACE_MS, config.LEASE_MS, config.LOCK_MS]).toEqual([1, 20, 3000, 15_000]);
  });

  test("an empty text counts as not given", () => {
    expect(resolved({ env: { CONCURRENCY: "", PATIENT_POLICY: "" } })).toMatchObject({
      CONCURRENCY: 8,
      PATIENT_POLICY: "create",
    });
  });

  test("the configuration is frozen, and URLs carry no slash at the end", () => {
    const config = resolved({});
    expect(Object.isFrozen(config)).toBe(true);
    expect(config.FHIR_URL).toBe("https://fhir.example/fhir");
  });

  test("every default satisfies its own check", () => {
    const file = Object.fromEntries(
      optionList().flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
    );
    expect(problems({}, { file })).toEqual([]);
  });

  test("every example satisfies its own check", () => {
    const env = Object.fromEntries(optionList().flatMap(([name, { example }]) => (example ? [[name, example]] : [])));
    expect(problems(env)).toEqual([]);
  });

  test("a secret may be in a file named by NAME_FILE, without its last line break", () => {
    const config = resolved({ env: { HTTP_PASSWORD_FILE: "/run/p" }, readFile: (path) => `from ${path}\n` });
    expect(config.HTTP_PASSWORD).toBe("from /run/p");
    expect(problems({ HTTP_PASSWORD_FILE: "/run/p" })).toEqual([
      'HTTP_PASSWORD_FILE "/run/p" (environment): expected a file that can be read',
    ]);
  });
});

describe("values", () => {
  test("opt-in elements are a list of known names, each once; a slip is told with what was probably meant", () => {
    expect(resolved({ env: { MAPPING_INCLUDE: " pronouns,Birth-Time,,pronouns" } }).MAPPING_INCLUDE).toEqual([
      "pronouns",
      "birth-time",
    ]);
    expect(resolved({ file: { MAPPING_INCLUDE: ["language"] } }).MAPPING_INCLUDE).toEqual(["language"]);
    expect(resolved({}).MAPPING_INCLUDE).toEqual([]);
    expect(problems({ MAPPING_INCLUDE: "pronoun" })).toEqual([
      'MAPPING_INCLUDE "pronoun" (environment): expected known names; did you mean pronouns by "pronoun"?',
    ]);
    expect(problems({ MAPPING_INCLUDE: "x-ray dose" })[0]).toContain("expected names out of gender-identity, pronouns");
    expect(problems({ MAPPING_INCLUDE: "__proto__" })).toHaveLength(1);
  });

  test("issuers are given as pairs, as JSON, or as an object in the file", () => {
    const wanted = { A: "urn:oid:1", "B=C, Inc": "https://b.example/mrn?x=1" };
    expect(resolved({ env: { ISSUER_SYSTEMS: "A=urn:oid:1, D=https://d.example/mrn?x=1" } }).ISSUER_SYSTEMS).toEqual({
      A: "urn:oid:1",
      D: "https://d.example/mrn?x=1",
    });
    expect(resolved({ env: { ISSUER_SYSTEMS: JSON.stringify(wanted) } }).ISSUER_SYSTEMS).toEqual(wanted);
    expect(resolved({ file: { ISSUER_SYSTEMS: wanted } }).ISSUER_SYSTEMS).toEqual(wanted);
  });

  test("the start of the feed is a word, a sequence, or a time with its zone", () => {
    const start = (text: string) => resolved({ env: { FEED_START: text } }).FEED_START;
    expect([start("now"), start("42"), start("2026-01-31T00:00:00+01:00")]).toEqual([
      "now",
      { sequence: 42 },
      { timeMs: Date.parse("2026-01-30T23:00:00Z") },
    ]);
    expect(problems({ FEED_START: "2026-01-31T00:00:00" })[0]).toContain("a time with its zone");
  });

  test.each([
    ["CONCURRENCY", "0", "a whole number from 1 to 256"],
    ["CONCURRENCY", "2.5", "a whole number"],
    ["GRACE_MS", "5m", "milliseconds"],
    ["PATIENT_POLICY", "sync-all", "one of link, create, sync"],
    ["TIME_ZONE", "Mars/Olympus", "an IANA time zone"],
    ["SOURCE_ID", "a b", "1 to 64 letters"],
    ["PATIENT_ID_SYSTEM", "mrn", "an absolute URI"],
    ["ISSUER_SYSTEMS", "A", "name=system pairs"],
    ["ISSUER_SYSTEMS", "A=mrn", 'an absolute URI for "A"'],
    ["FHIR_URL", "fhir.example", "an http:// or https:// URL"],
    ["REDIS_URL", "http://redis", "redis://"],
  ])("%s %j is refused, saying what is expected", (name, value, expected) => {
    const found = problems({ [name]: value });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${name} ${JSON.stringify(value)} (environment): expected ${expected}`);
  });
});

describe("rules", () => {
  test("all problems are told at once", () => {
    const result = resolveConfig(input({ env: { CONCURRENCY: "x" }, file: { patientPolicy: "link" } }));
    expect(result.ok ? [] : result.problems.map((problem) => problem.field)).toEqual([
      "patientPolicy",
      "CONCURRENCY",
      "DICOM_URL",
      "FHIR_URL",
      "PATIENT_ID_SYSTEM",
    ]);
    expect(result.ok ? "" : problemText(result.problems[0] ?? fail("none"))).toContain("did you mean PATIENT_POLICY?");
  });

  test.each(["/v1", "/v2/studies", "/studies", "/v1/changefeed", "/v2/partitions/a"])(
    "a DICOM URL that ends in %s is refused",
    (path) => {
      expect(problems({ DICOM_URL: `https://dicom.example${path}` })[0]).toMatch(
        /expected the service's root, without/,
      );
    },
  );

  test("a DICOM service below a path of its own is accepted", () => {
    expect(problems({ DICOM_URL: "https://proxy.example/pacs/dicom/" })).toEqual([]);
  });

  test("neither an identifier system nor issuers: refused, one of them is enough", () => {
    expect(problems({ PATIENT_ID_SYSTEM: "" })[0]).toMatch(
      /^PATIENT_ID_SYSTEM is missing: expected the identifier system/,
    );
    expect(problems({ PATIENT_ID_SYSTEM: "", ISSUER_SYSTEMS: "A=urn:oid:1" })).toEqual([]);
  });

  test("profiles that no study could ever claim are refused", () => {
    const mado = { PROFILES: "ihe-mado", RETRIEVE_LOCATION_UID: "1.2.3" };
    expect(problems(mado)).toEqual([]);
    expect(problems({ PROFILES: "ihe-mado" })[0]).toMatch(/^RETRIEVE_LOCATION_UID is missing/);
    expect(problems({ ...mado, PROFILES: "ihe-mado,ihe-imr" })[0]).toContain("one of ihe-imr and ihe-mado");
    expect(problems({ PROFILES: "ihe-imr,eu-imaging", QIDO_ENDPOINT: "yes" })[0]).toMatch(/^QIDO_ENDPOINT "yes"/);
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "worker.example", "127.0.0.1.example"])(
    "listening at %s needs a password",
    (HTTP_HOST) => {
      expect(problems({ HTTP_HOST })[0]).toContain("HTTP_PASSWORD is missing");
      expect(problems({ HTTP_HOST, HTTP_PASSWORD: "p" })).toEqual([]);
    },
  );

  test("a lower bound above its upper bound is refused", () => {
    expect(problems({ POLL_MIN_MS: "9000" })).toEqual(['POLL_MAX_MS "5000": expected at least POLL_MIN_MS (9000)']);
  });

  test("commands that need no service ask for none", () => {
    expect(resolvePart(input({}), "state").ok).toBe(true);
    expect(resolvePart(input({ env: { FHIR_AUTH: "basic" } }), "offline").ok).toBe(true);
  });
});

describe("options that decide who is who", () => {
  const identity = (env: Record<string, string>) => identityOptions(resolved({ env }));

  test("without a default system an added issuer is a new name; with one it is a change", () => {
    const alone = { PATIENT_ID_SYSTEM: "", ISSUER_SYSTEMS: "A=urn:oid:1" };
    const more = { PATIENT_ID_SYSTEM: "", ISSUER_SYSTEMS: "B=urn:oid:2,A=urn:oid:1" };
    expect(identity(more)).toEqual({ ...identity(alone), "ISSUER_SYSTEMS B": "urn:oid:2" });
    expect(identity({ ISSUER_SYSTEMS: "A=urn:oid:1" })["ISSUER_SYSTEMS"]).not.toBe(identity({})["ISSUER_SYSTEMS"]);
  });

  test("the order in which issuers are given is no change", () => {
    expect(identity({ ISSUER_SYSTEMS: "B=urn:oid:2,A=urn:oid:1" })).toEqual(
      identity({ ISSUER_SYSTEMS: "A=urn:oid:1,B=urn:oid:2" }),
    );
  });
});

describe("access options", () => {
  test.each([
    ["bearer", ["TOKEN_FILE"]],
    ["basic", ["USER", "PASSWORD"]],
    ["oauth2", ["TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"]],
  ])("%s tells what it lacks", (kind, lacking) => {
    expect(problems({ FHIR_AUTH: kind })).toEqual(
      lacking.map((name) => `FHIR_${name} is missing: expected a value, because FHIR_AUTH is ${kind}`),
    );
  });

  test("azure has the audiences of Azure Health Data Services as default scopes", () => {
    const config = resolved({
      env: { DICOM_AUTH: "azure", FHIR_AUTH: "azure", FHIR_AZURE_CREDENTIAL: "managed-identity", FHIR_CLIENT_ID: "c" },
    });
    expect(config.dicomAuth).toEqual({
      kind: "azure",
      credential: { kind: "default" },
      scope: "https://dicom.healthcareapis.azure.com/.default",
    });
    expect(config.fhirAuth).toEqual({
      kind: "azure",
      credential: { kind: "managed-identity", clientId: "c" },
      scope: "https://fhir.example/.default",
    });
  });

  test("azure with a certificate needs tenant, client and file", () => {
    expect(
      problems({ DICOM_AUTH: "azure", DICOM_AZURE_CREDENTIAL: "certificate" }).map((line) => line.split(" ")[0]),
    ).toEqual(["DICOM_TENANT_ID", "DICOM_CLIENT_ID", "DICOM_CERTIFICATE_FILE"]);
  });
});

describe("what is shown", () => {
  test("credentials in URLs are not", () => {
    expect(maskUrl("rediss://u:geheim@redis.example:6380/0")).toBe("rediss://***@redis.example:6380/0");
    expect(maskUrl("u:geheim@redis.example")).toBe("***");
    expect(maskUrl("redis+cluster://u:ge@heim@a:1,b:2")).toBe("redis+cluster://***@a:1,b:2");
    expect(maskUrl("redis://u:ge/heim@a:1")).toBe("redis://***");
    const shown = problems({
      DICOM_URL: "https://u:geheim@dicom.example",
      REDIS_URL: "http://u:geheim@redis.example",
    }).join();
    expect(shown).toContain("DICOM_URL");
    expect(shown).not.toContain("geheim");
  });

  test("every option with a secret is marked as one", () => {
    const suspicious = optionList().filter(
      ([name, option]) => /PASSWORD|SECRET/.test(name) && !(option.secret && option.fileToo),
    );
    expect(suspicious).toEqual([]);
    expect(Object.keys(OPTIONS).length).toBeGreaterThan(60);
  });
});
