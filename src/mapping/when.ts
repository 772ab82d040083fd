/**
 * Dates, times and offsets of DICOM (PS3.5 §6.2 DA, TM, DT; PS3.3 C.12.1.1.8 offset) as FHIR `date` and `dateTime`. Everything is text arithmetic:
 * precision is never invented, so a time without a known zone becomes a date. Only missing seconds are filled with zero, which FHIR allows.
 */
import type { Note } from "./issues.ts";
import type { Keyword } from "./tags.ts";
import { zoneOffset } from "./zone.ts";

/** `month` and `day` are absent where the source does not have them. All members are digits of fixed width. */
export type CalendarDate = { year: string; month?: string; day?: string };
export type TimeOfDay = { hour: string; minute?: string; second?: string; fraction?: string };

export function parseDate(raw: string, keyword: Keyword, note: Note): CalendarDate | undefined {
  const match = /^(\d{4})(?:(\d{2})(\d{2})?)?$/.exec(raw) ?? /^(\d{4})([.\-/])(\d{2})\2(\d{2})$/.exec(raw);
  if (match === null) {
    note(keyword, "invalid-date");
    return undefined;
  }
  const legacy = match.length === 5;
  const [year = "", month, day] = legacy ? [match[1], match[3], match[4]] : [match[1], match[2], match[3]];
  if (year === "0000" || !isOfCalendar(Number(year), month, day)) {
    note(keyword, "invalid-date");
    return undefined;
  }
  if (legacy) note(keyword, "legacy-date");
  if (month === undefined) note(keyword, "partial-date");
  if (month === undefined) return { year };
  if (day === undefined) note(keyword, "partial-date");
  return day === undefined ? { year, month } : { year, month, day };
}

function isOfCalendar(year: number, month: string | undefined, day: string | undefined): boolean {
  if (month === undefined) return true;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Number(month) - 1];
  return days !== undefined && (day === undefined || (Number(day) >= 1 && Number(day) <= days));
}

/** A leap second (60) counts as invalid: FHIR servers refuse it, and another second would be invented. */
export function parseTime(raw: string, keyword: Keyword, note: Note): TimeOfDay | undefined {
  const match =
    /^(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?$/.exec(raw) ??
    /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/.exec(raw);
  const [, hour = "99", minute, second, fraction] = match ?? [];
  if (Number(hour) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) {
    note(keyword, "invalid-time");
    return undefined;
  }
  if (minute === undefined) return { hour };
  if (second === undefined) return { hour, minute };
  return fraction === undefined ? { hour, minute, second } : { hour, minute, second, fraction };
}

/** `+0200`, and with a doubt `+02:00`, `UTC-04:00`, `-0000`; FHIR allows −14:00 to +14:00. */
export function parseOffset(raw: string, keyword: Keyword, note: Note): string | undefined {
  const match = /^(UTC|GMT)?([+-])(\d{2})(:?)(\d{2})$/i.exec(raw);
  const [, prefix, sign = "", hours = "99", colon, minutes = "99"] = match ?? [];
  if (Number(minutes) > 59 || Number(hours) * 60 + Number(minutes) > 14 * 60) {
    note(keyword, "invalid-offset");
    return undefined;
  }
  const negativeZero = sign === "-" && hours === "00" && minutes === "00";
  if (prefix !== undefined || colon === ":" || negativeZero) note(keyword, "offset-repaired");
  return negativeZero ? "+00:00" : `${sign}${hours}:${minutes}`;
}

export function formatDate(date: CalendarDate): string {
  return [date.year, date.month, date.day].filter((part) => part !== undefined).join("-");
}

/** What decides the zone of a time: the offset attribute, else the configured IANA zone. */
export type ZoneChoice = { offset: string | undefined; timeZone: string | undefined };

/**
 * A FHIR dateTime: date and time where a zone is known, else the date. `timeKeyword` names the attribute for an issue.
 * The hour that happens twice when clocks go back takes the earlier of the two instants; one that never happens leaves the date.
 */
export function formatDateTime(
  date: CalendarDate,
  time: TimeOfDay | undefined,
  zone: ZoneChoice,
  timeKeyword: Keyword,
  note: Note,
): string {
  const day = formatDate(date);
  if (date.day === undefined || time?.minute === undefined) return day;
  const clock = `${time.hour}:${time.minute}:${time.second ?? "00"}`;
  const found = zone.offset ?? (zone.timeZone === undefined ? undefined : zoneOffset(zone.timeZone, day, clock));
  if (found === undefined && zone.timeZone !== undefined) note(timeKeyword, "no-such-local-time");
  return found === undefined ? day : `${day}T${clock}${time.fraction === undefined ? "" : `.${time.fraction}`}${found}`;
}

/** Digits that sort like the moment, without its zone: `YYYYMMDDHHMMSS.ffffff`, zeros for what is unknown. */
export function sortableMoment(date: CalendarDate | undefined, time: TimeOfDay | undefined): string {
  const day = `${date?.year ?? "0000"}${date?.month ?? "00"}${date?.day ?? "00"}`;
  return `${day}${time?.hour ?? "00"}${time?.minute ?? "00"}${time?.second ?? "00"}.${(time?.fraction ?? "").padEnd(6, "0")}`;
}
