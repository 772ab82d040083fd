/** How fast a long feed is read to its end and marked in Redis, its syncs left out, and whether the memory this takes grows with the feed. */
import { setTimeout as delay } from "node:timers/promises";
import { type Child, startChild, WORKER_NODE_ARGS } from "./child.ts";
import { type Answer, median, type Question, type Run } from "./question.ts";
import { startStage } from "./stage.ts";

type Outcome = { entries: number; seconds: number; memoryMb: number[]; mostMb: number };

export const catchUp: Question = {
  name: "catch-up",
  title: "Catching up with a feed of 1,000,000 entries, syncs left out",
  async ask({ quick, tell, signal }: Run): Promise<Answer> {
    const entries = quick ? 20_000 : 1_000_000;
    const images = 500;
    const stage = await startStage({ synthetic: `studies=${entries / images},images=${images}` }, signal);
    try {
      const bare = () => play(["--bare", "--dicom", stage.dicomDirect, "--entries", String(entries)], signal);
      // Before and after, so that the machine's moods fall on both.
      const before = await bare();
      tell(`fetch and parse: ${Math.round(rate(before))} entries/s`);
      const marking = ["--dicom", stage.dicomDirect, "--redis", stage.redis.socketPath, "--entries", String(entries)];
      const marked = await play(marking, signal);
      tell(`follow and mark: ${Math.round(rate(marked))} entries/s`);
      const after = await bare();
      tell(`fetch and parse: ${Math.round(rate(after))} entries/s`);
      const alone = (before.entries + after.entries) / (before.seconds + after.seconds);
      const { memoryMb } = marked;
      const part = Math.max(1, Math.floor(memoryMb.length / 4));
      const growth = median(memoryMb.slice(-part)) - median(memoryMb.slice(part, 2 * part));
      return {
        figures: [
          { what: "follow and mark", value: rate(marked), unit: "entries/s" },
          { what: "fetch and parse alone", value: alone, unit: "entries/s" },
          { what: "ratio", value: rate(marked) / alone, unit: "×", target: { atLeast: 0.5 } },
          { what: "most resident memory", value: marked.mostMb, unit: "MB", target: { atMost: 200 } },
          {
            what: "memory in the last quarter less that in the second",
            value: growth,
            unit: "MB",
            target: { atMost: 20 },
          },
        ],
        notes: [
          `${entries.toLocaleString("en-US")} entries of ${entries / images} studies; pages of 100, 4 at a time, no latency. Marking is the worker's own follower, state and queue with a real Redis and no process that runs the jobs; fetching alone is the same pages through JSON.parse, before and after it.`,
        ],
      };
    } finally {
      await stage.stop();
    }
  },
};

const rate = ({ entries, seconds }: Outcome) => entries / seconds;

async function play(args: string[], signal: AbortSignal): Promise<Outcome> {
  const child = startChild("bench/follower-process.ts", args, { nodeArgs: WORKER_NODE_ARGS });
  const memoryMb: number[] = [];
  const sampling = new AbortController();
  const sampled = sample(child, memoryMb, AbortSignal.any([sampling.signal, signal]));
  const done = JSON.parse(await child.line(/^DONE (.+)$/)) as { entries: number; seconds: number };
  sampling.abort();
  await sampled;
  const mostMb = Math.max(...memoryMb, child.memory().mostMb);
  await child.stop();
  return { ...done, memoryMb, mostMb };
}

async function sample(child: Child, into: number[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    into.push(child.memory().nowMb);
    await delay(250, undefined, { signal }).catch(() => {});
  }
}
