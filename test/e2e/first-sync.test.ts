/** The first studies of a patient whom FHIR does not know, synced at the same moment by many processes. */
import { afterEach, expect, test } from "@jest/globals";
import { el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { FHIR_E2E_URL, type Stack, startStack } from "./stack.ts";

const PROCESSES = 8;
const STUDIES = 16;
/** Eight worker processes start at the same time, perhaps on two cores. */
const START_MS = 90_000;

let stack: Stack;
afterEach(() => stack?.close());

function image(study: number): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid(stack.seed, `image ${study}`)),
    "00080060": el("CS", "CT"),
    "00100010": el("PN", personName("One^Patient")),
    "00100020": el("LO", `${stack.seed}-p`),
    "0020000D": el("UI", seededUid(stack.seed, `study ${study}`)),
    "0020000E": el("UI", seededUid(stack.seed, `series ${study}`)),
  });
}

/** Resources that the server finds under the patient's identifier, whoever made them. */
async function patientsByIdentifier(): Promise<number> {
  const identifier = encodeURIComponent(`urn:test:${stack.seed}:default|${stack.seed}-p`);
  const answer = await fetch(`${stack.fhir.url}/Patient?identifier=${identifier}`, {
    headers: { accept: "application/fhir+json", "cache-control": "no-cache" },
  });
  return ((await answer.json()) as { entry?: unknown[] }).entry?.length ?? 0;
}

const SERVERS =
  FHIR_E2E_URL === undefined
    ? [
        { on: "the strict server", hapi: false },
        { on: "one that answers as HAPI", hapi: true },
      ]
    : [{ on: "the given server", hapi: false }];

test.each(SERVERS)(
  "a patient whose first studies are synced by 8 processes at once is one Patient ($on)",
  async ({ hapi }) => {
    // One sync at a time in each process, so that eight held writes are eight processes; none is taken for dead meanwhile. A process claims the Patient before
    // it writes: the next one comes to its own write when LOCK_MS has passed.
    const env = { CONCURRENCY: "1", LOCK_MS: "5000", STALLED_MS: "60000", LEASE_MS: "10000" };
    stack = await startStack({ hapi, env });
    for (let study = 0; study < STUDIES; study++) stack.dicom.store(image(study));
    stack.fhirProxy.faults([
      {
        method: "POST",
        body: '"method":"PUT","url":"Patient/',
        times: PROCESSES,
        effect: { kind: "hold", name: "first", when: "before" },
      },
    ]);
    for (let n = 0; n < PROCESSES; n++) stack.worker();
    await stack.fhirProxy.whenHeld("first", AbortSignal.timeout(START_MS), PROCESSES);
    expect(await patientsByIdentifier()).toBe(0);
    stack.fhirProxy.release("first");
    await stack.settled(START_MS);

    expect(await patientsByIdentifier()).toBe(1);
    const studies = await stack.fhir.studies();
    expect(studies).toHaveLength(STUDIES);
    const [patient] = await stack.fhir.patients();
    expect(new Set(studies.map(({ subject }) => subject.reference))).toEqual(new Set([`Patient/${patient?.id}`]));
    expect((await stack.state.counts()).failed).toBe(0);
  },
  2 * START_MS,
);
