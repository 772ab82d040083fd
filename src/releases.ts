/** What starts something stops it: releases run in reverse order, each with a deadline, and one that fails or hangs does not keep the others from running. */
import { toStudycastError } from "./errors.ts";
import { errorFields, type Log } from "./log.ts";

export type Releases = {
  /** Notes how to stop what was just started, and how long that may take before the next release begins. */
  add(step: string, deadlineMs: number, release: () => Promise<void> | void): void;
  /** Stops everything, the latest first. */
  run(): Promise<void>;
};

type Step = { step: string; deadlineMs: number; release: () => Promise<void> | void };

export function createReleases(log: Log): Releases {
  const steps: Step[] = [];
  return {
    add(step, deadlineMs, release) {
      steps.push({ step, deadlineMs, release });
    },
    async run() {
      for (let last = steps.pop(); last !== undefined; last = steps.pop()) await carryOut(last);
    },
  };

  async function carryOut({ step, deadlineMs, release }: Step): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      log.warn("stopping takes too long, going on", { step });
      late.resolve();
    }, deadlineMs);
    try {
      await Promise.race([release(), late.promise]);
    } catch (thrown) {
      log.warn("stopping failed, going on", { step, ...errorFields(toStudycastError(thrown)) });
    } finally {
      clearTimeout(timer);
    }
  }
}
