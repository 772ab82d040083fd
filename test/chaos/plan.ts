/** The plan of a run: what it runs on, the day, and when what goes wrong. A pure function of the seed; how the processes interleave is not. */
import type { RedisKind } from "./chaos-redis.ts";
import { DAY_MS, type DayStep, planDay } from "./day.ts";
import { type Draw, drawFrom } from "./draw.ts";
import { FAULT_KINDS } from "./fault-kinds.ts";

export type PlannedFault = { kind: string; atMs: number; lastsMs: number };
export type Plan = {
  seed: number;
  redis: RedisKind;
  workers: 1 | 2;
  hapi: boolean;
  day: DayStep[];
  faults: PlannedFault[];
};

const FEWEST_FAULTS = 5;
const MOST_FAULTS = 9;
const LAST_FAULT_MS = DAY_MS + 600;

export function planRun(seed: number): Plan {
  const draw = drawFrom(seed, "plan");
  const redis = draw.pick(["single", "single", "single", "single", "single", "pair", "pair", "cluster"] as const);
  const workers = draw.chance(0.6) ? 2 : 1;
  const hapi = draw.chance(0.5);
  return { seed, redis, workers, hapi, day: planDay(seed), faults: planFaults(drawFrom(seed, "faults"), redis) };
}

function planFaults(draw: Draw, redis: RedisKind): PlannedFault[] {
  const known = Object.entries(FAULT_KINDS).filter(([, kind]) => kind.redis?.includes(redis) ?? true);
  const pickOne = (): string => {
    let left = draw.below(known.reduce((sum, [, { weight = 1 }]) => sum + weight * 10, 0));
    for (const [name, { weight = 1 }] of known) {
      left -= weight * 10;
      if (left < 0) return name;
    }
    throw new Error("weights are summed up above");
  };
  const faults: PlannedFault[] = [];
  const wanted = draw.between(FEWEST_FAULTS, MOST_FAULTS);
  for (let tries = 0; faults.length < wanted && tries < 200; tries++) {
    const name = pickOne();
    const kind = FAULT_KINDS[name];
    if (kind === undefined) continue;
    const fault = { kind: name, atMs: draw.below(LAST_FAULT_MS), lastsMs: draw.between(...kind.lasts) };
    if (faults.some((other) => clash(other, fault))) continue;
    faults.push(fault);
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Beginning and ending take some time themselves: a Redis that starts again, a process that stops. */
const APART_MS = 300;

function clash(a: PlannedFault, b: PlannedFault): boolean {
  const [first, second] = [FAULT_KINDS[a.kind]?.group, FAULT_KINDS[b.kind]?.group];
  if (first === undefined || first !== second) return false;
  return a.atMs < b.atMs + b.lastsMs + APART_MS && b.atMs < a.atMs + a.lastsMs + APART_MS;
}
