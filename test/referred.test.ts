/** What a study refers to: looked up while the study is still being read, and never taken for absent after this process has created it. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startFaultProxy } from "../emulators/fault-proxy/index.ts";
import { startFhirEmulator } from "../emulators/fhir/index.ts";
import {
  carryOut,
  createFhirClient,
  type FhirClient,
  type FoundReferred,
  lookUpBoth,
  planStudy,
} from "../src/fhir/index.ts";
import { type StudyResources, studyIdentity } from "../src/mapping/index.ts";
import { createCreations, earlyLookUp, type ReferredDeps, withReferred } from "../src/referred.ts";
import { study } from "./fhir/samples.ts";

const signal = AbortSignal.timeout(600_000);

let server: Awaited<ReturnType<typeof startFhirEmulator>>;
let client: FhirClient;
let lookUps = 0;
let deps: ReferredDeps;
beforeAll(async () => {
  server = await startFhirEmulator({});
  client = createFhirClient({ url: server.url, requestTimeoutMs: 20_000, maxBytes: 50_000_000 });
});
afterAll(async () => {
  await client?.close();
  await server?.close();
});
beforeEach(() => {
  server.clear();
  lookUps = 0;
  deps = {
    fhir: client,
    creations: createCreations(),
    timed(_service, _operation, work) {
      lookUps++;
      return work();
    },
  };
});

/** Looks the study and what it refers to up, as a sync does with its first instance. */
function begin(wanted: StudyResources, until: AbortSignal = signal) {
  const { study: found, referred } = lookUpBoth(client, studyIdentity("pacs", wanted.study), wanted, until);
  found.catch(() => {});
  return earlyLookUp(wanted, deps.creations, referred);
}

/** Writes the study with what was found; the study itself is new. */
const write = (wanted: StudyResources) => async (found: FoundReferred) => {
  const identity = studyIdentity("pacs", wanted.study);
  const known = { identity, own: [], sameUid: [], endpoints: new Map() };
  const plan = planStudy(known as never, found.patient, wanted, { patientPolicy: "create" }, found.supporting);
  return carryOut(client, plan, {}, signal);
};

test("a study and what it refers to are looked up with one request", async () => {
  const wanted = study({ uid: "1.2.840.9" });
  await withReferred(wanted, undefined, deps, signal, write(wanted));
  const proxy = await startFaultProxy({ target: new URL(server.url).origin });
  const near = createFhirClient({ url: `${proxy.url}/fhir`, requestTimeoutMs: 20_000, maxBytes: 50_000_000 });
  try {
    const { study: found, referred } = lookUpBoth(near, studyIdentity("pacs", wanted.study), wanted, signal);
    expect((await found).own).toHaveLength(1);
    expect((await referred).patient?.kind).toBe("found");
    expect(Object.values(proxy.counts().routes).map(({ requests }) => requests)).toEqual([1]);
  } finally {
    await near.close();
    await proxy.close();
  }
});

const kindOfPatient = async ({ patient }: FoundReferred) => ({ kind: patient?.kind ?? "none" });
const reached = async () => ({ kind: "reached" });

describe("looking up what a study refers to", () => {
  test("what was looked up with the first instance is not looked up again", async () => {
    const [first, whole] = [study({ images: 1 }), study({ images: 5 })];
    const early = begin(first);
    const { kind } = await withReferred(whole, early, deps, signal, kindOfPatient);
    expect([kind, lookUps]).toEqual(["absent", 0]);
  });

  test("a first instance of another patient does not decide who the study is of", async () => {
    await withReferred(study({ patientId: "P1" }), undefined, deps, signal, write(study({ patientId: "P1" })));
    lookUps = 0;
    const early = begin(study({ patientId: "P1", images: 1 }));
    const other = study({ patientId: "P2" });
    const { kind } = await withReferred(other, early, deps, signal, kindOfPatient);
    expect([kind, lookUps]).toEqual(["absent", 1]);
  });

  test("a Patient that another study's sync has created meanwhile is neither created twice nor looked up again", async () => {
    const late = study({ uid: "1.2.840.2" });
    const early = begin(late);
    await early.found;
    const before = study({ uid: "1.2.840.1" });
    await withReferred(before, undefined, deps, signal, write(before));
    const outcome = await withReferred(late, early, deps, signal, write(late));
    expect(outcome).toMatchObject({ kind: "done" });
    expect(server.resources("Patient")).toHaveLength(1);
    expect(lookUps).toBe(1);
  });

  test("a creation of which nobody knows whether it happened is looked for", async () => {
    const [before, late] = [study({ uid: "1.2.840.1" }), study({ uid: "1.2.840.2" })];
    const early = begin(late);
    await early.found;
    const lost = async (found: FoundReferred) => {
      await write(before)(found);
      throw new Error("no answer");
    };
    await expect(withReferred(before, undefined, deps, signal, lost)).rejects.toThrow("no answer");
    lookUps = 0;
    const { kind } = await withReferred(late, early, deps, signal, kindOfPatient);
    expect([kind, lookUps]).toEqual(["found", 1]);
  });

  test("what is known of a creation is what was written last", async () => {
    const [before, again, late] = [
      study({ uid: "1.2.840.1" }),
      study({ uid: "1.2.840.2", date: "20990101", name: "Newer^Name" }),
      study({ uid: "1.2.840.3" }),
    ];
    const early = begin(late);
    await early.found;
    await withReferred(before, undefined, deps, signal, write(before));
    await withReferred(again, undefined, deps, signal, write(again));
    await withReferred(late, early, deps, signal, async ({ patient }) => {
      const newer = { name: [{ family: "Newer" }], meta: { versionId: "2" } };
      expect(server.resources("Patient")).toMatchObject([newer]);
      expect(patient).toMatchObject({ kind: "found", patient: newer });
      return { kind: "seen", written: [] };
    });
  });

  test("of syncs that would create the same Patient one does at a time", async () => {
    const studies = ["1", "2", "3", "4"].map((number) => study({ uid: `1.2.840.${number}` }));
    const early = studies.map((one) => begin(one));
    const creations = await Promise.all(
      studies.map((one, at) =>
        withReferred(one, early[at], deps, signal, async (found) =>
          found.patient?.kind === "absent" ? write(one)(found) : { kind: "found" },
        ),
      ),
    );
    expect(creations.map(({ kind }) => kind).toSorted()).toEqual(["done", "found", "found", "found"]);
    expect(server.resources("Patient")).toHaveLength(1);
  });

  test("of syncs that wait for the same creation, which then does not happen, one at a time tries it", async () => {
    const studies = ["1", "2", "3", "4", "5"].map((number) => study({ uid: `1.2.840.${number}` }));
    const early = studies.map((one) => begin(one));
    let creating = 0;
    let most = 0;
    await Promise.all(
      studies.map((one, at) =>
        withReferred(one, early[at], deps, signal, async () => {
          most = Math.max(most, ++creating);
          await delay(5);
          creating--;
          return { kind: "refused", written: [] };
        }),
      ),
    );
    expect([most, lookUps]).toEqual([1, 0]);
  });

  test("an early look-up that fails is an error of the sync that needs it, and of no other", async () => {
    const stopped = AbortSignal.abort();
    const wanted = study();
    const early = begin(wanted, stopped);
    await expect(withReferred(wanted, early, deps, signal, reached)).rejects.toMatchObject({
      code: "ABORTED",
    });
    expect(await withReferred(wanted, undefined, deps, signal, reached)).toEqual({ kind: "reached" });
  });
});
