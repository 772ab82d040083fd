/**
 * The limit: a loop that has all its answers ready and only sends what must be sent, the same look-ups and final transactions as the worker, for as many
 * studies at once. It looks at no answer but its status.
 */
import { Agent, request } from "undici";
import { parseStudyId } from "../src/study.ts";
import { STUDIES_PER_PATIENT, type StudyRequests } from "./final-bundles.ts";

export type BareLoopOptions = {
  fhirUrl: string;
  requestsOf(index: number): StudyRequests;
  /** Studies at once. */
  lanes: number;
  /** With it, each study's metadata are fetched beside the look-up and thrown away: what no worker can do without. */
  dicomUrl?: string;
  /** Index of the first study. */
  first: number;
};

/** Runs until the signal aborts; tells each study that is written. Resolves with the number of studies. */
export async function bareLoop(options: BareLoopOptions, signal: AbortSignal): Promise<number> {
  const agent = new Agent({ connections: options.lanes * 2 });
  let next = options.first;
  let done = 0;
  const post = async (body: string, headers: Record<string, string>): Promise<void> => {
    const answer = await request(`${options.fhirUrl}/`, {
      method: "POST",
      body,
      headers: { "content-type": "application/fhir+json", accept: "application/fhir+json", ...headers },
      dispatcher: agent,
    });
    await drain(answer.body);
    if (answer.statusCode !== 200) throw new Error(`the FHIR server answered ${answer.statusCode}`);
  };
  const read = async ({ study }: StudyRequests): Promise<void> => {
    if (options.dicomUrl === undefined) return;
    const { studyInstanceUid } = parseStudyId(study);
    const { body } = await request(`${options.dicomUrl}/v2/studies/${studyInstanceUid}/metadata`, {
      headers: { accept: "application/dicom+json" },
      dispatcher: agent,
    });
    await drain(body);
  };
  const fresh = { "cache-control": "no-cache" };
  /** Transactions that create a Patient, by patient; those of its other studies refer to it and go out after it, as servers that check references want. */
  const creations = new Map<number, Promise<void>>();
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      const index = next++;
      const requests = options.requestsOf(index);
      const ended = Promise.withResolvers<void>();
      const creates = index % STUDIES_PER_PATIENT === 0;
      const patient = Math.floor(index / STUDIES_PER_PATIENT);
      const before = creations.get(patient);
      if (creates) creations.set(patient, ended.promise);
      await Promise.all([post(requests.lookUp, fresh), read(requests)]);
      if (!creates) {
        await before;
        creations.delete(patient);
      }
      await post(requests.transaction, { prefer: "return=minimal" });
      ended.resolve();
      done++;
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  await agent.close();
  return done;
}

async function drain(body: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of body);
}
