/** Requests that wait, by name, until somebody lets them go on. Tests freeze a worker at that moment. */
export type Holds = {
  wait(name: string): Promise<void>;
  release(name?: string): void;
  count(name: string): number;
  /** Resolves when `count` requests wait under `name`; rejects with the signal's reason. */
  reached(name: string, count: number, signal: AbortSignal): Promise<void>;
};

export function createHolds(): Holds {
  const waiting = new Map<string, (() => void)[]>();
  const watchers = new Set<() => void>();
  return {
    wait: (name) =>
      new Promise((resolve) => {
        waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
        for (const look of [...watchers]) look();
      }),
    release: (name) => {
      for (const each of name === undefined ? [...waiting.keys()] : [name]) {
        const resolvers = waiting.get(each) ?? [];
        waiting.delete(each);
        for (const resolve of resolvers) resolve();
      }
    },
    count: (name) => waiting.get(name)?.length ?? 0,
    reached: (name, count, signal) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if ((waiting.get(name)?.length ?? 0) < count) return;
          end();
          resolve();
        };
        const abort = (): void => {
          end();
          reject(signal.reason);
        };
        const end = (): void => {
          watchers.delete(look);
          signal.removeEventListener("abort", abort);
        };
        if (signal.aborted) return abort();
        watchers.add(look);
        signal.addEventListener("abort", abort, { once: true });
        look();
      }),
  };
}
