/**
 * Timestamps of the feed have a resolution of 100 ns; a JavaScript `Date` would round them to milliseconds and make different ones equal.
 * Here a tick is 100 ns, counted since the Unix epoch, as a bigint.
 */
const TICKS_PER_MS = 10_000n;
const TICKS_PER_SECOND = 10_000_000;
const DIGIT_0 = 48;

/** Milliseconds since the epoch, as the ticks of their beginning. */
export function msToTicks(ms: number): bigint {
  return BigInt(Math.floor(ms)) * TICKS_PER_MS;
}

/** Ticks as milliseconds since the epoch, rounded down. */
export function ticksToMs(ticks: bigint): number {
  const ms = ticks / TICKS_PER_MS;
  return Number(ticks % TICKS_PER_MS < 0n ? ms - 1n : ms);
}

/** Ticks as the text the feed's `startTime` and `endTime` take: ISO 8601, seven fraction digits, `Z`. */
export function ticksToText(ticks: bigint): string {
  const ms = ticksToMs(ticks);
  const rest = String(ticks - msToTicks(ms)).padStart(4, "0");
  return `${new Date(ms).toISOString().slice(0, -1)}${rest}Z`;
}

/**
 * Reads `yyyy-mm-ddThh:mm:ss[.fffffff…](Z|±hh:mm)`; undefined when it is not that. Digits after the seventh are dropped; a missing zone is taken as UTC.
 * By character codes, because a feed of millions of entries goes through here.
 */
export function textToTicks(text: unknown): bigint | undefined {
  if (typeof text !== "string" || text.length < 19) return undefined;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)];
  const [hour, minute, second] = [digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)];
  const shaped = text[4] === "-" && text[7] === "-" && text[13] === ":" && text[16] === ":";
  if (!shaped || (text[10] !== "T" && text[10] !== "t" && text[10] !== " ")) return undefined;
  if (Number.isNaN(year + month + day + hour + minute + second)) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;

  let at = 19;
  let fraction = 0;
  if (text[at] === ".") {
    let scale = TICKS_PER_SECOND / 10;
    for (at++; at < text.length; at++) {
      const digit = text.charCodeAt(at) - DIGIT_0;
      if (digit < 0 || digit > 9) break;
      fraction += Math.floor(digit * scale);
      scale = scale > 1 ? scale / 10 : 0;
    }
  }
  const offset = offsetMinutes(text, at);
  if (offset === undefined) return undefined;
  const seconds = Date.UTC(year, month - 1, day, hour, minute - offset, second) / 1000;
  return BigInt(seconds) * BigInt(TICKS_PER_SECOND) + BigInt(fraction);
}

function offsetMinutes(text: string, at: number): number | undefined {
  const sign = text[at];
  if (sign === undefined || ((sign === "Z" || sign === "z") && at === text.length - 1)) return 0;
  if (sign !== "+" && sign !== "-") return undefined;
  const minutes = digits(text, at + 1, 2) * 60 + digits(text, at + (text[at + 3] === ":" ? 4 : 3), 2);
  if (Number.isNaN(minutes)) return undefined;
  return sign === "-" ? -minutes : minutes;
}

/** The number in `count` digits from `start`; NaN when one of them is none. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = text.charCodeAt(at) - DIGIT_0;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
