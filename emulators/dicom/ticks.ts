import type { Ticks } from "./backend.ts";

/** 0001-01-01 to 1970-01-01 in 100-ns units. */
const unixEpoch = 621_355_968_000_000_000n;
const perMs = 10_000n;

export const firstTick: Ticks = 0n;
/** 9999-12-31T23:59:59.9999999Z, the default end of an API v2 window (contract §1.1). */
export const lastTick: Ticks = 3_155_378_975_999_999_999n;

export function ticksOfMs(ms: number): Ticks {
  return unixEpoch + BigInt(Math.round(ms * 10_000));
}

/** ISO 8601 as the service writes it: up to 7 fraction digits, trailing zeros trimmed, `+00:00` (contract §1.3). */
export function formatTicks(ticks: Ticks, zone: "+00:00" | "Z" = "+00:00"): string {
  const seconds = (ticks - unixEpoch) / 10_000_000n - ((ticks - unixEpoch) % 10_000_000n < 0n ? 1n : 0n);
  const fraction = ticks - unixEpoch - seconds * 10_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const digits = fraction === 0n ? "" : `.${fraction.toString().padStart(7, "0").replace(/0+$/, "")}`;
  return `${whole}${digits}${zone}`;
}

const pattern = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7})\d*)?)?)? ?(Z|[+-]\d\d:?\d\d)$/i;

/** Parses a date with a compulsory time zone; undefined when it is no such date. */
export function parseTicks(text: string): Ticks | undefined {
  const match = pattern.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms) || new Date(ms).getUTCDate() !== Number(day)) return undefined;
  const sign = zone.startsWith("-") ? -1 : 1;
  const offset = /^z$/i.test(zone) ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  const ticks = unixEpoch + BigInt(ms - offset * 60_000) * perMs + BigInt(fraction.padEnd(7, "0"));
  return ticks < firstTick || ticks > lastTick ? undefined : ticks;
}
