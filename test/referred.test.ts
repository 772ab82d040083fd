/** What a study refers to: looked up while the study is still being read, and created by one sync at a time. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startFaultProxy } from "../emulators/fault-proxy/index.ts";
import { startFhirEmulator } from "../emulators/fhir/index.ts";
import { type Claim, CreatedElsewhere, createClaim, createCreations, noteRefused } from "../src/creations.ts";
import {
  carryOut,
  createFhirClient,
  type FhirClient,
  type FoundReferred,
  lookUpBoth,
  planStudy,
} from "../src/fhir/index.ts";
import { type MappingOptions, type StudyResources, studyIdentity } from "../src/mapping/index.ts";
import { type EarlyLookUp, lookUpClaimed, lookUpEarly, noteWritten, type ReferredDeps } from "../src/referred.ts";
import { createState } from "../src/state/index.ts";
import { MAPPING, study } from "./fhir/samples.ts";
import { startTestRedis, type TestRedis } from "./support/redis.ts";

const signal = AbortSignal.timeout(600_000);

const settle = { minMs: 0, maxMs: 100, factor: 1, burstEndMs: 60_000 };
const CLAIM_MS = 1000;

let redis: TestRedis;
let server: Awaited<ReturnType<typeof startFhirEmulator>>;
let client: FhirClient;
let lookUps = 0;
let deps: ReferredDeps;
beforeAll(async () => {
  redis = await startTestRedis();
  server = await startFhirEmulator({});
  client = createFhirClient({ url: server.url, requestTimeoutMs: 20_000, maxBytes: 50_000_000 });
});
afterAll(async () => {
  await client?.close();
  await server?.close();
  await redis?.stop();
});
beforeEach(async () => {
  await redis.redis.flushall();
  server.clear();
  lookUps = 0;
  deps = processDeps();
});

/** What one process has: all share Redis and the FHIR server. */
const processDeps = (): ReferredDeps => ({
  fhir: client,
  creations: createCreations(createState(redis.redis, { sourceId: "pacs", settle, graceMs: 50 }), CLAIM_MS),
  policy: { patientPolicy: "create", deletePolicy: "delete" },
  timed(_service, _operation, work) {
    lookUps++;
    return work();
  },
});

type Begun = EarlyLookUp & { claim: Claim };

/** Looks the study and what it refers to up, as a sync of the process does with its first instance. */
async function begin(wanted: StudyResources, process = deps, until: AbortSignal = signal): Promise<Begun> {
  const claim = createClaim(process.creations);
  const identity = studyIdentity("pacs", wanted.study);
  const { early, study: found } = await lookUpEarly(wanted, claim, process, () =>
    lookUpBoth(client, identity, wanted, until),
  );
  found.catch(() => {});
  return { ...early, claim };
}

/** Ends the sync: writes the study, which is new, with what was found, unless `work` says what to do with that. */
async function goOn<T>(
  wanted: StudyResources,
  early: Begun | undefined,
  process: ReferredDeps,
  work: (found: FoundReferred) => Promise<T>,
): Promise<T> {
  const claim = early?.claim ?? createClaim(process.creations);
  try {
    return await work(await lookUpClaimed(wanted, early, claim, process, signal));
  } finally {
    await claim.end();
  }
}

const write = (wanted: StudyResources) => async (found: FoundReferred) => {
  const identity = studyIdentity("pacs", wanted.study);
  const known = { identity, own: [], sameUid: [], endpoints: new Map() };
  const plan = planStudy(known as never, found.patient, wanted, { patientPolicy: "create" }, found.supporting);
  return (await carryOut(client, plan, {}, signal)).kind;
};
const isElsewhere = (sync: Promise<unknown>) => expect(sync).rejects.toBeInstanceOf(CreatedElsewhere);

test("a study and what it refers to are looked up with one request", async () => {
  const wanted = study({ uid: "1.2.840.9" });
  await goOn(wanted, undefined, deps, write(wanted));
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

const kindOfPatient = async ({ patient }: FoundReferred) => patient?.kind ?? "none";

describe("looking up what a study refers to", () => {
  test("what was looked up with the first instance is not looked up again", async () => {
    const [first, whole] = [study({ images: 1 }), study({ images: 5 })];
    expect(await goOn(whole, await begin(first), deps, kindOfPatient)).toBe("absent");
    expect(lookUps).toBe(0);
  });

  test("a first instance of another patient does not decide who the study is of", async () => {
    await goOn(study({ patientId: "P1" }), undefined, deps, write(study({ patientId: "P1" })));
    lookUps = 0;
    const early = await begin(study({ patientId: "P1", images: 1 }));
    expect(await goOn(study({ patientId: "P2" }), early, deps, kindOfPatient)).toBe("absent");
    expect(lookUps).toBe(1);
  });

  test("an early look-up that fails is an error of the sync that needs it, and of no other", async () => {
    const wanted = study();
    const early = await begin(wanted, deps, AbortSignal.abort());
    await expect(goOn(wanted, early, deps, kindOfPatient)).rejects.toMatchObject({ code: "ABORTED" });
    expect(await goOn(wanted, undefined, deps, kindOfPatient)).toBe("absent");
  });
});

describe.each(["one process", "two processes"])("of two syncs of %s that would create the same Patient", (where) => {
  const [ours, theirs, third] = [study({ uid: "1.2.840.1" }), study({ uid: "1.2.840.2" }), study({ uid: "1.2.840.3" })];
  let other: ReferredDeps;
  beforeEach(() => {
    other = where === "two processes" ? processDeps() : deps;
  });

  test("the second does not even look while the first one is at it, and refers to its Patient afterwards", async () => {
    const first = await begin(theirs, other);
    await isElsewhere(begin(ours));
    expect(await goOn(theirs, first, other, write(theirs))).toBe("done");
    expect(await goOn(ours, await begin(ours), deps, kindOfPatient)).toBe("found");
    expect(server.resources("Patient")).toHaveLength(1);
  });

  test("the second is the one to create it when the first one has not", async () => {
    const first = await begin(theirs, other);
    const refused = goOn(theirs, first, other, async () => Promise.reject(new Error("refused")));
    await expect(refused).rejects.toThrow("refused");
    expect(await goOn(ours, await begin(ours), deps, write(ours))).toBe("done");
    expect(server.resources("Patient")).toHaveLength(1);
  });

  test("the second goes on as soon as the first one has found that there is a Patient", async () => {
    await goOn(third, undefined, other, write(third));
    await (await begin(theirs, other)).found;
    await delay(50);
    expect(await goOn(ours, await begin(ours), deps, kindOfPatient)).toBe("found");
    expect(await redis.redis.keys("*")).toEqual([]);
  });

  test("one that was known and has been deleted since is created by one of them", async () => {
    await goOn(third, undefined, other, write(third));
    for (const one of [deps, other]) await goOn(third, undefined, one, kindOfPatient);
    server.clear();
    const [first, second] = [await begin(theirs, other), await begin(ours)];
    await isElsewhere(goOn(theirs, first, other, write(theirs)));
    await isElsewhere(goOn(ours, second, deps, write(ours)));
    expect(await goOn(theirs, await begin(theirs, other), other, write(theirs))).toBe("done");
    expect(server.resources("Patient")).toHaveLength(1);
  });

  test("the second waits for nothing where studycast may not create one", async () => {
    await begin(theirs, other);
    const linking: ReferredDeps = { ...deps, policy: { patientPolicy: "link", deletePolicy: "delete" } };
    expect(await goOn(ours, await begin(ours, linking), linking, kindOfPatient)).toBe("absent");
  });
});

describe("a claim", () => {
  test("is waited for by nobody when FHIR refuses what it is of", async () => {
    const ids = (await begin(theirs)) && [...deps.creations.claims.keys()];
    expect(ids).not.toEqual([]);
    noteRefused(ids, deps.creations);
    expect(await goOn(ours, await begin(ours), deps, kindOfPatient)).toBe("absent");
  });

  test("tells how long it has been held, so that nobody asks often for one that lasts", async () => {
    await begin(theirs);
    await delay(300);
    const told = begin(ours).catch((error: unknown) => (error instanceof CreatedElsewhere ? error.ageMs : undefined));
    expect(await told).toBeGreaterThan(250);
    const elsewhere = processDeps();
    const other = begin(ours, elsewhere).catch((error: unknown) =>
      error instanceof CreatedElsewhere ? error.ageMs : undefined,
    );
    expect(await other).toBeGreaterThan(250);
  });

  const [ours, theirs] = [study({ uid: "1.2.840.1" }), study({ uid: "1.2.840.2" })];

  test("is not needed for what a sync of this process has just written", async () => {
    const written = await begin(theirs);
    await goOn(theirs, written, deps, write(theirs));
    noteWritten(theirs, { isRefused: false }, deps);
    await Promise.all([begin(ours), begin(study({ uid: "1.2.840.9" }))]);
    expect(await redis.redis.keys("*")).toEqual([]);
  });

  test("of a Patient that was found does not wait for a Device that was not", async () => {
    const patientOnly = { ...ours, supporting: [] };
    await goOn(patientOnly, undefined, deps, write(patientOnly));
    deps = processDeps();
    const more = {
      "00080070": { vr: "LO", Value: ["Maker"] },
      "00081090": { vr: "LO", Value: ["Model"] },
      "00181000": { vr: "LO", Value: ["Serial 1"] },
    };
    const upsert: MappingOptions = { ...MAPPING, upsert: new Set(["Device"]) };
    const [scanner, second] = [study({ uid: "1.2.840.8", more }, upsert), study({ uid: "1.2.840.7", more }, upsert)];
    expect(scanner.supporting).not.toEqual([]);
    const first = await begin(scanner);
    await first.found;
    await delay(50);
    expect(await goOn(patientOnly, await begin(patientOnly), deps, kindOfPatient)).toBe("found");
    await isElsewhere(begin(second));
  });

  test("of a sync that ends in a moment is waited for", async () => {
    const first = await begin(theirs);
    const second = begin(ours);
    await first.claim.end();
    expect(await goOn(ours, await second, deps, kindOfPatient)).toBe("absent");
  });

  test.each(["a process that died", "a sync that hangs"])("of %s lasts no longer than LOCK_MS", async (whose) => {
    await begin(theirs, whose === "a sync that hangs" ? deps : processDeps());
    const beganMs = performance.now();
    for (let held = true; held; ) {
      held = await begin(ours).then(
        () => false,
        (error: unknown) => error instanceof CreatedElsewhere,
      );
      await delay(20);
    }
    expect(performance.now() - beganMs).toBeLessThan(CLAIM_MS + 2000);
  });

  test("leaves nothing in Redis that tells who it is, and nothing for long", async () => {
    await begin(ours);
    const keys = await redis.redis.keys("*");
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toMatch(/^studycast:\{pacs\}:c:[0-9a-f]{4}$/);
      expect(await redis.redis.get(key)).toMatch(/^[\w-]{12}$/);
      expect(await redis.redis.pttl(key)).toBeGreaterThan(0);
    }
  });
});
