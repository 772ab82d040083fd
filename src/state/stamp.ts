/** The stamp: what the state was written with. Another layout, or other options that decide who is who, must not silently go on with it. */
import type { RedisClient } from "../redis/index.ts";
import type { Keys } from "./keys.ts";
import { guard, runScript, script, texts } from "./script.ts";

/** Version of the keys and their contents; raised when a version before could not read them. */
export const LAYOUT = "1";

export type Stamped = { kind: "new" | "same" } | { kind: "changed"; names: string[] };

/** KEYS 1 stamp. ARGV name, value, … Sets it if there is none; returns {"new"} or {"old", name, value, …} as stored. */
const STAMP = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], unpack(ARGV))
  return {'new'}
end
local stored = redis.call('HGETALL', KEYS[1])
table.insert(stored, 1, 'old')
return stored`);

export function stamps(redis: RedisClient, keys: Keys) {
  const full = (identity: Readonly<Record<string, string>>) => ({ ...identity, layout: LAYOUT });
  return {
    /**
     * Compares with the stored stamp; the first call of a source sets it. `names` holds "layout" when the layout differs. A name that is new is added:
     * what nothing was decided by before (an issuer that studies wait for) may be set at any time.
     */
    async stamp(identity: Readonly<Record<string, string>>): Promise<Stamped> {
      const wanted: Record<string, string> = full(identity);
      const [how, ...flat] = texts(await runScript(redis, STAMP, [keys.stamp], Object.entries(wanted).flat()));
      if (how === "new") return { kind: "new" };
      const stored = new Map<string, string>();
      for (let at = 0; at + 1 < flat.length; at += 2) stored.set(flat[at] ?? "", flat[at + 1] ?? "");
      const changed = [...stored].filter(([name, value]) => wanted[name] !== value).map(([name]) => name);
      if (changed.length > 0) return { kind: "changed", names: changed };
      const added = Object.entries(wanted).filter(([name]) => !stored.has(name));
      if (added.length > 0) await guard(redis.hset(keys.stamp, Object.fromEntries(added)));
      return { kind: "same" };
    },

    /**
     * Accepts these options from now on. The layout cannot be accepted.
     * @param keep names that stay as they are stored, for the next start to judge
     */
    async restamp(identity: Readonly<Record<string, string>>, keep: readonly string[] = []): Promise<void> {
      const stored = await guard(redis.hgetall(keys.stamp));
      const kept = Object.entries(stored).filter(([name]) => name === "layout" || keep.includes(name));
      const all = { ...full(identity), ...Object.fromEntries(kept) };
      await guard(redis.multi().del(keys.stamp).hset(keys.stamp, all).exec());
    },
  };
}
