/** The loops of a process run until it ends, and end together. */
import { sleep } from "./time.ts";

/** How long the loops may take to end. */
const LATE_MS = 2000;

/**
 * Waits for all loops. One that fails has a mistake of ours in it: the others are ended too (by `fatal`, which is to be part of `ending`), and its error is
 * thrown. After the end was asked for, a loop whose Redis command gets no answer is not waited for: closing the connection ends it.
 */
export async function untilAllEnd(
  loops: readonly Promise<void>[],
  fatal: AbortController,
  ending: AbortSignal,
): Promise<void> {
  let failed: { reason: unknown } | undefined;
  const watch = async (loop: Promise<void>) => {
    try {
      await loop;
    } catch (reason) {
      failed ??= { reason };
    } finally {
      fatal.abort();
    }
  };
  const over = new AbortController();
  await Promise.race([Promise.all(loops.map(watch)), sleepAfter(ending, LATE_MS, over.signal)]);
  over.abort();
  if (failed !== undefined) throw failed.reason;
}

/** Resolves `ms` after `begin` has aborted, or when `over` aborts. */
async function sleepAfter(begin: AbortSignal, ms: number, over: AbortSignal): Promise<void> {
  const begun = AbortSignal.any([begin, over]);
  if (!begun.aborted) await new Promise((resolve) => begun.addEventListener("abort", resolve, { once: true }));
  await sleep(ms, over);
}
