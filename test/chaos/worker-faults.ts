/** Worker processes that die, stand still, lose the network, are stopped, or whose clock is set. */
import type { FaultKind, Setting } from "./fault.ts";

const HOUR_MS = 3_600_000;
/** SHUTDOWN_MS of the run's workers and what aborting takes besides. */
const STOP_WITHIN_MS = 20_000;

/** A stop while a service is dead: the process must still end in time; another one takes its place. */
async function stopped({ slots, complain }: Setting, n: number): Promise<void> {
  const slot = slots[n % slots.length];
  const wrong = await slot?.terminate(STOP_WITHIN_MS);
  if (wrong !== undefined) complain(wrong);
  void slot?.ensure();
}

export const WORKER_FAULTS: Readonly<Record<string, FaultKind>> = {
  "worker-killed": {
    lasts: [0, 0],
    weight: 2,
    group: "worker",
    async begin({ slots }, draw) {
      await draw.pick(slots).kill(draw.pick([0, 50, 400]));
      return () => {};
    },
  },
  "worker-frozen": {
    // Longer than its lease and locks, or not.
    lasts: [100, 2200],
    weight: 2,
    group: "worker",
    begin({ slots }, draw) {
      const slot = draw.pick(slots);
      slot.freeze();
      return () => slot.thaw();
    },
  },
  "worker-stopped": {
    lasts: [0, 0],
    group: "worker",
    async begin(setting, draw) {
      await stopped(setting, draw.below(2));
      return () => {};
    },
  },
  "worker-stopped-without-redis": {
    lasts: [300, 1000],
    group: "redis",
    begin(setting, draw) {
      setting.redis.freeze();
      const ending = stopped(setting, draw.below(2));
      return async () => {
        setting.redis.thaw();
        await ending;
      };
    },
  },
  "worker-stopped-without-fhir": {
    lasts: [300, 1000],
    group: "worker",
    begin(setting, draw) {
      const end = setting.fhirProxy.add({ effect: { kind: "reset", when: "before" } });
      const ending = stopped(setting, draw.below(2));
      return async () => {
        end();
        await ending;
      };
    },
  },
  "worker-cut-off": {
    lasts: [200, 2500],
    redis: ["single", "pair"],
    begin({ slots }, draw) {
      const { gate } = draw.pick(slots);
      gate?.set(draw.pick(["silent", "closed"]));
      return () => gate?.set("open");
    },
  },
  "clock-step": {
    lasts: [200, 2000],
    weight: 2,
    group: "clock",
    begin({ slots }, draw) {
      const slot = draw.pick(slots);
      slot.setClock(draw.pick([HOUR_MS, -HOUR_MS]));
      return () => slot.setClock(0);
    },
  },
};
