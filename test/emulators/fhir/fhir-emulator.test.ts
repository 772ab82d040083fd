import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type FhirEmulator, type FhirEmulatorOptions, startFhirEmulator } from "../../../emulators/fhir/index.ts";
import { type Entry, type Exchange, exchangeWith } from "../../contract/fhir/exchange.ts";

let emulator: FhirEmulator | undefined;
afterEach(async () => {
  await emulator?.close();
  emulator = undefined;
});

async function start(options: FhirEmulatorOptions = {}): Promise<{ server: FhirEmulator; fhir: Exchange }> {
  emulator = await startFhirEmulator(options);
  return { server: emulator, fhir: exchangeWith(emulator.url) };
}
const person = (id: string, more: Record<string, unknown> = {}) => ({
  resourceType: "Patient",
  id,
  identifier: [{ system: "urn:mrn", value: id }],
  ...more,
});
const put = (resource: { resourceType: string; id: string }, fullUrl?: string): Entry => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  resource,
  request: { method: "PUT", url: `${resource.resourceType}/${resource.id}` },
});

describe("control", () => {
  test("counts committed writes only: no refused, rolled back or unchanged ones", async () => {
    const { server, fhir } = await start({ hapi: true });
    await fhir.transaction([put(person("a")), put(person("b"))]);
    expect(server.writes()).toBe(2);
    await fhir.transaction([put(person("a"))]);
    await fhir.send("PUT", "/Patient/a", person("a", { gender: "male" }), { "if-match": 'W/"9"' });
    await fhir.transaction([
      put(person("c")),
      { ...put(person("b", { gender: "male" })), request: { method: "PUT", url: "Patient/b", ifMatch: "9" } },
    ]);
    expect(server.writes()).toBe(2);
    await fhir.send("DELETE", "/Patient/a");
    await fhir.send("DELETE", "/Patient/a");
    expect(server.writes()).toBe(3);
    expect(server.resources().map(({ id }) => id)).toEqual(["b"]);
  });

  test("dumps its resources as NDJSON, tells its writes and forgets everything when told", async () => {
    const { server, fhir } = await start();
    await fhir.transaction([put(person("a")), put(person("b"))]);
    const control = `http://127.0.0.1:${server.port}/control`;
    const lines = (await (await fetch(`${control}/resources`)).text()).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(["a", "b"]);
    expect(await (await fetch(`${control}/writes`)).json()).toEqual({ writes: 2 });
    await fetch(`${control}/clear`, { method: "POST" });
    expect([server.resources().length, server.writes()]).toEqual([0, 0]);
    expect((await fhir.send("GET", "/Patient/a")).status).toBe(404);
  });
});

describe("rollback", () => {
  test("restores index, versions and deletions as they were before the transaction", async () => {
    const { fhir } = await start();
    await fhir.transaction([put(person("a")), put(person("b"))]);
    await fhir.send("DELETE", "/Patient/b");
    const failed = await fhir.transaction([
      { request: { method: "DELETE", url: "Patient/a" } },
      put(person("b")),
      { ...put(person("c")), request: { method: "PUT", url: "Patient/c", ifMatch: 'W/"1"' } },
    ]);
    expect(failed.status).toBe(404);
    expect((await fhir.search("Patient?identifier=urn:mrn|a")).entry).toHaveLength(1);
    expect((await fhir.search("Patient?identifier=urn:mrn|b")).entry ?? []).toHaveLength(0);
    expect((await fhir.send("GET", "/Patient/b")).status).toBe(410);
    expect((await fhir.send("PUT", "/Patient/b", person("b"))).headers.get("etag")).toBe('W/"3"');
  });

  test("of one batch entry leaves the others alone", async () => {
    const { fhir, server } = await start({ hapi: true });
    const study = {
      resourceType: "ImagingStudy",
      id: "s",
      status: "available",
      subject: { reference: "Patient/none" },
    };
    const reply = await fhir.batch([put(study), put(person("a"))]);
    expect(reply.body.entry?.map(({ response }) => response?.status)).toEqual(["400 Bad Request", "201 Created"]);
    expect(server.resources().map(({ id }) => id)).toEqual(["a"]);
  });
});

describe("searches", () => {
  test("find an identifier among 20,000 resources without walking them", async () => {
    const { fhir } = await start();
    for (let batch = 0; batch < 40; batch += 1) {
      await fhir.batch(
        Array.from({ length: 500 }, (_, i) => put(person(`p-${batch}-${i}`))),
        { prefer: "return=minimal" },
      );
    }
    const started = performance.now();
    for (let i = 0; i < 100; i += 1) {
      expect((await fhir.search(`Patient?identifier=urn:mrn|p-39-${i}`)).entry).toHaveLength(1);
    }
    // A walk costs more than 100 ms for each.
    expect((performance.now() - started) / 100).toBeLessThan(25);
  });

  test("go on at the right place when resources of the first page are deleted before the second is read", async () => {
    const { fhir } = await start();
    await fhir.transaction(["a", "b", "c", "d"].map((id) => put(person(id))));
    const first = await fhir.search("Patient?_count=2");
    await fhir.send("DELETE", "/Patient/a");
    const next = first.link?.find(({ relation }) => relation === "next")?.url ?? "";
    const second = await fhir.send("GET", next);
    expect(second.body.entry?.map(({ resource }) => resource?.id)).toEqual(["c", "d"]);
  });

  test("by parameters without an index answer as well", async () => {
    const { fhir } = await start();
    await fhir.transaction([put(person("a", { gender: "male", name: [{ family: "Foo" }] })), put(person("b"))]);
    for (const query of [
      "gender=male",
      "family=Foo",
      "_lastUpdated=gt2020-01-01&_id=a",
      "identifier=urn:mrn|a&gender=male",
    ]) {
      expect([query, (await fhir.search(`Patient?${query}`)).entry?.length]).toEqual([query, 1]);
    }
    expect((await fhir.search("Patient?identifier=urn:mrn|a&gender=female")).entry ?? []).toHaveLength(0);
  });

  test("by the identifier of the subject work, and other chains are refused instead of finding nothing", async () => {
    const { fhir } = await start();
    const study = { resourceType: "ImagingStudy", id: "s", status: "available", subject: { reference: "Patient/a" } };
    await fhir.transaction([put(person("a")), put(study)]);
    expect((await fhir.search("ImagingStudy?patient.identifier=urn:mrn|a")).entry).toHaveLength(1);
    expect((await fhir.search("ImagingStudy?patient.identifier=urn:mrn|b")).entry ?? []).toHaveLength(0);
    expect((await fhir.send("GET", "/ImagingStudy?patient.name=x")).status).toBe(400);
  });

  test("give the total only when asked for in the strict reading", async () => {
    const { fhir } = await start();
    await fhir.transaction([put(person("a")), put(person("b"))]);
    expect((await fhir.search("Patient")).total).toBeUndefined();
    expect((await fhir.search("Patient?_total=accurate&_count=1")).total).toBe(2);
    const counted = await fhir.search("Patient?_summary=count");
    expect([counted.total, counted.entry]).toEqual([2, undefined]);
  });
});

describe("HAPI switch", () => {
  test("keeps tags that an update leaves out, and makes no version for that", async () => {
    const { fhir } = await start({ hapi: true });
    const tag = { system: "urn:t", code: "mine" };
    await fhir.send("PUT", "/Patient/a", person("a", { meta: { tag: [tag] } }));
    const again = await fhir.send("PUT", "/Patient/a", person("a"));
    expect([again.headers.get("etag"), again.body.meta?.tag]).toEqual(['W/"1"', [tag]]);
    const more = await fhir.send("PUT", "/Patient/a", person("a", { meta: { tag: [{ ...tag, code: "other" }] } }));
    expect([more.headers.get("etag"), more.body.meta?.tag?.length]).toEqual(['W/"2"', 2]);
  });

  test("answers two conditional creates of one condition with one entry", async () => {
    const { fhir, server } = await start({ hapi: true });
    const entry: Entry = {
      resource: { resourceType: "Patient", identifier: [{ system: "urn:mrn", value: "x" }] },
      request: { method: "POST", url: "Patient", ifNoneExist: "identifier=urn:mrn|x" },
    };
    const reply = await fhir.transaction([
      { ...entry, fullUrl: "urn:uuid:1" },
      structuredClone({ ...entry, fullUrl: "urn:uuid:2" }),
    ]);
    expect(reply.body.entry).toHaveLength(1);
    expect(server.resources()).toHaveLength(1);
  });

  test("takes two PUTs of one id under different fullUrls and spoils the outcome; strict refuses them", async () => {
    const twice = [
      put(person("a", { gender: "male" }), "urn:uuid:1"),
      put(person("a", { gender: "female" }), "urn:uuid:2"),
    ];
    const hapi = await start({ hapi: true });
    expect((await hapi.fhir.transaction(twice)).status).toBe(200);
    expect((await hapi.fhir.send("GET", "/Patient/a")).body["gender"]).toBe("male");
    await hapi.server.close();
    const strict = await start();
    expect((await strict.fhir.transaction(twice)).status).toBe(400);
  });

  test("refuses a new id of digits only, and takes a bare version as ifMatch", async () => {
    const { fhir } = await start({ hapi: true });
    expect((await fhir.send("PUT", "/Patient/123", person("123"))).status).toBe(400);
    await fhir.send("PUT", "/Patient/a", person("a"));
    const bare = await fhir.send("PUT", "/Patient/a", person("a", { gender: "male" }), { "if-match": "1" });
    expect(bare.status).toBe(200);
  });
});

describe("strict reading", () => {
  test("refuses empty values, which FHIR's JSON format forbids", async () => {
    const { fhir } = await start();
    for (const wrong of [{ name: [] }, { gender: "" }, { name: [{}] }, { birthDate: null }]) {
      expect([wrong, (await fhir.send("PUT", "/Patient/a", person("a", wrong))).status]).toEqual([wrong, 400]);
    }
  });

  test("refuses more than 500 entries in one Bundle", async () => {
    const { fhir } = await start();
    expect((await fhir.batch(Array.from({ length: 501 }, (_, i) => put(person(`p${i}`))))).status).toBe(400);
  });
});

describe("as a server that cannot be used", () => {
  test("says R5, or refuses ids chosen by clients and says so", async () => {
    const { fhir } = await start({ fhirVersion: "5.0.0", updateCreate: false });
    const { body, text } = await fhir.send("GET", "/metadata");
    expect(body["fhirVersion"]).toBe("5.0.0");
    expect(text).toContain('"updateCreate":false');
    expect((await fhir.send("PUT", "/Patient/a", person("a"))).status).toBe(405);
    expect((await fhir.transaction([put(person("a"))])).status).toBe(405);
    const made = await fhir.send("POST", "/Patient", person("a"));
    expect(made.status).toBe(201);
    expect((await fhir.send("PUT", `/Patient/${made.body.id}`, { ...person("a"), id: made.body.id })).status).toBe(200);
  });

  test("answers unknown resource types with 404 and other content types with 400", async () => {
    const { fhir } = await start();
    expect((await fhir.send("GET", "/Nonsense?x=1")).status).toBe(404);
    expect((await fhir.send("POST", "/Patient", {}, { "content-type": "text/plain" })).status).toBe(400);
  });
});

describe("as a process", () => {
  test("says READY with its address, serves, and ends when the pipe of its starter closes", async () => {
    const child = spawn(process.execPath, ["emulators/fhir/main.ts", "--hapi", "--parent-pipe"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const url = /^READY (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line.toString())?.[1];
    expect((await fetch(`${url}/fhir/metadata`)).status).toBe(200);
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
