/** Formatters by IANA zone. Making one takes longer than mapping a study; there are as many as zones configured, which is one. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

const HOUR_MS = 3_600_000;

/** Milliseconds that the zone's wall clock is ahead of UTC at an instant. */
function offsetAt(timeZone: string, instantMs: number): number {
  const parts = new Map(
    formatterFor(timeZone)
      .formatToParts(instantMs)
      .map((part) => [part.type, Number(part.value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? Number.NaN;
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall - instantMs;
}

/**
 * The offset (`+01:00`) of a wall-clock time in a zone. Of the two instants of a repeated hour the earlier is taken. Undefined when the time does not
 * exist there, when the offset is no whole minute (local mean times of the 19th century), or for years before 1000.
 * @param day `YYYY-MM-DD` @param clock `HH:MM:SS`
 */
export function zoneOffset(timeZone: string, day: string, clock: string): string | undefined {
  const wall = Date.parse(`${day}T${clock}Z`);
  if (day < "1000") return undefined;
  // Offsets before and after any transition near by; zones change at most once within two days.
  const candidates = [offsetAt(timeZone, wall - 24 * HOUR_MS), offsetAt(timeZone, wall + 24 * HOUR_MS)];
  const offset = candidates.find((candidate) => offsetAt(timeZone, wall - candidate) === candidate);
  if (offset === undefined || offset % 60_000 !== 0) return undefined;
  const minutes = Math.abs(offset) / 60_000;
  const two = (number: number) => String(number).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
