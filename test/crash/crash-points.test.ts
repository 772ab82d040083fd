/** The short pass: every request of a sync to the two services, and the Redis writes that carry the work on. `npm run crash-points` takes all points of all operations. */
import { expect, test } from "@jest/globals";
import { FHIR_E2E_URL } from "../e2e/stack.ts";
import { crashPass } from "./crash-pass.ts";
import { OPERATIONS } from "./operations.ts";

const TAKEN = /^(dicom .*\/metadata|fhir .*|redis (mark|addStandardJob|begin|settle|moveToFinished))$/;

(FHIR_E2E_URL === undefined ? test : test.skip)(
  "a process killed at any request of a study's move to another patient leaves FHIR as if it had not been killed",
  async () => {
    const move = OPERATIONS.find(({ name }) => name === "move");
    if (move === undefined) throw new Error("no such operation");
    const { signal } = new AbortController();
    const takes = ({ label, nth }: { label: string; nth: number }) => nth === 1 && TAKEN.test(label);
    const { taken, killed, differences } = await crashPass(move, { takes, signal });
    expect(differences).toEqual([]);
    expect(taken).toBeGreaterThanOrEqual(7);
    expect(killed).toBeGreaterThanOrEqual(2 * 7);
  },
  600_000,
);
