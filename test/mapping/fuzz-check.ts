/** What must hold of whatever a seed gives: nothing thrown, every resource valid FHIR and well-formed Unicode, in bounded time. */

import { validateFhirR5 } from "../support/fhir-r5-validation.ts";
import { validateFhir } from "../support/fhir-validation.ts";
import { mapSeed } from "./mutations.ts";

/** Far above what an input of this size takes (about 1 ms), below what a quadratic step would. */
const MAX_MS = 1_000;
/** Resources that were valid before: most inputs have some in common. */
const MAX_KNOWN = 20_000;
const MAX_KNOWN_LENGTH = 2_000;

export type FuzzResult = { runs: number; resources: number; types: ReadonlySet<string>; slowestMs: number };

/** Runs seeds from `first`; throws with the seed at the first that breaks a rule. */
export async function fuzz(first: number, runs: number): Promise<FuzzResult> {
  const valid = new Set<string>();
  const types = new Set<string>();
  let resources = 0;
  let slowestMs = 0;
  for (let seed = first; seed < first + runs; seed++) {
    try {
      const { version, resources: made, ms: once } = mapSeed(seed);
      // What took long by the clock is held against the processor's time: the machine may have been busy with something else.
      const ms = once > MAX_MS ? cpuMs(() => mapSeed(seed)) : once;
      slowestMs = Math.max(slowestMs, ms);
      if (ms > MAX_MS) throw new Error(`took ${Math.round(ms)} ms`);
      for (const resource of made) {
        resources++;
        types.add(`${version} ${resource.resourceType}`);
        const text = `${version} ${JSON.stringify(resource)}`;
        if (valid.has(text)) continue;
        const faults = await faultsOf(version, resource, text);
        if (faults.length > 0) throw new Error(`invalid ${version} ${resource.resourceType}: ${faults.join("; ")}`);
        if (valid.size < MAX_KNOWN && text.length < MAX_KNOWN_LENGTH) valid.add(text);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  if ("polluted" in {}) throw new Error("Object.prototype has been changed");
  return { runs, resources, types, slowestMs };
}

async function faultsOf(version: "R4" | "R5", resource: object, text: string): Promise<string[]> {
  // JSON.stringify escapes lone surrogates, so they are looked for in the escaped form.
  const surrogates = /\\ud[89a-f][0-9a-f]{2}/.test(text) ? ["a lone surrogate"] : [];
  return [...surrogates, ...(version === "R5" ? validateFhirR5(resource) : await validateFhir(resource))];
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
