/** A study and what it refers to, looked up with one request: the batches of both look-ups go out as one. */
import type { StudyIdentity, StudyResources } from "../mapping/index.ts";
import type { BatchEntry, EntryAnswer } from "./bundle.ts";
import type { FhirClient } from "./client.ts";
import { type FoundReferred, lookUpReferred } from "./look-up-patient.ts";
import { lookUpStudy } from "./look-up-study.ts";
import type { FoundStudy } from "./plan.ts";

/** @returns two promises, of which either may fail as its look-up does; a batch that fails fails both */
export function lookUpBoth(
  client: FhirClient,
  identity: StudyIdentity,
  wanted: Pick<StudyResources, "subject" | "supporting">,
  signal: AbortSignal,
): { study: Promise<FoundStudy>; referred: Promise<FoundReferred> } {
  const asked: BatchEntry[] = [];
  const answers = Promise.withResolvers<EntryAnswer[]>();
  /** Each look-up asks for its batch before it waits for anything, so both have asked when the batch is sent. */
  const joined: FhirClient = {
    ...client,
    async batch(entries) {
      const at = asked.length;
      asked.push(...entries);
      return (await answers.promise).slice(at, at + entries.length);
    },
  };
  const study = lookUpStudy(joined, identity, signal);
  const referred = lookUpReferred(joined, wanted, signal);
  client.batch(asked, signal).then(answers.resolve, answers.reject);
  return { study, referred };
}
