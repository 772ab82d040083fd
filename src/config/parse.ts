/** Text (flag, environment) or JSON (file) to the value of an option. Each parser gives the value or, as a text, what was expected instead. */
import type { CodeOption, FeedStartOption, Option } from "./option.ts";

export type Parsed = { ok: true; value: unknown } | { ok: false; expected: string };
const good = (value: unknown): Parsed => ({ ok: true, value });
const bad = (expected: string): Parsed => ({ ok: false, expected });

/** Parses one raw value by its option. Numbers and maps may come as such from the file. */
export function parseOption(option: Option, raw: unknown): Parsed {
  if (option.kind === "systems") return parseMap(raw, "system", "an absolute URI", parseSystem);
  if (option.kind === "codes")
    return parseMap(raw, "code", "a SNOMED CT code with its check digit, or system|code|display,", parseCode);
  if (option.kind === "terms") return parseTerms(option, raw);
  if (option.kind === "names") return parseNames(option.names, raw);
  if (typeof raw !== "string" && typeof raw !== "number" && typeof raw !== "boolean") return bad("one value");
  const text = String(raw).trim();
  switch (option.kind) {
    case "integer":
    case "ms":
    case "number":
      return parseNumber(option, text);
    case "choice": {
      const wanted = option.choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
      return wanted === undefined ? bad(`one of ${option.choices.join(", ")}`) : good(wanted);
    }
    case "feed-start":
      return parseFeedStart(text);
    case "url":
      return parseUrl(text);
    case "public-url":
      return parseUrl(text);
    case "redis":
      return parseRedis(text);
    case "system":
      return isSystem(text) ? good(text) : bad("an absolute URI, such as urn:oid:1.2.3 or https://host/mrn");
    case "time-zone":
      return isTimeZone(text) ? good(text) : bad("an IANA time zone, such as Europe/Berlin");
    case "id":
      return /^[A-Za-z0-9_.-]{1,64}$/.test(text) ? good(text) : bad("1 to 64 letters, digits, `_`, `.` or `-`");
    default:
      return good(option.secret ? String(raw) : text);
  }
}

function parseNumber(option: { kind: string; min: number; max: number }, text: string): Parsed {
  const isWhole = option.kind !== "number";
  const noun = option.kind === "ms" ? "milliseconds, a whole number" : isWhole ? "a whole number" : "a number";
  const expected = `${noun} from ${option.min} to ${option.max}`;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const fits = value >= option.min && value <= option.max && (!isWhole || Number.isInteger(value));
  return fits ? good(value) : bad(expected);
}

/** `beginning`, `now`, a sequence number, or a time with its zone (a time without one would mean another instant on each machine). */
function parseFeedStart(text: string): Parsed {
  const at: FeedStartOption | undefined =
    text === "beginning" || text === "now"
      ? text
      : /^\d{1,15}$/.test(text)
        ? { sequence: Number(text) }
        : isInstant(text)
          ? { timeMs: Date.parse(text) }
          : undefined;
  return at === undefined
    ? bad("`beginning`, `now`, a sequence number, or a time with its zone such as 2026-01-31T00:00:00Z")
    : good(at);
}

/** An ISO 8601 date and time that states its zone. */
export function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** An http(s) URL without credentials, query or fragment; given back without a trailing slash. */
function parseUrl(text: string): Parsed {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return bad("an http:// or https:// URL");
  if (url.username !== "" || url.password !== "")
    return bad("a URL without user and password (set DICOM_AUTH or FHIR_AUTH to basic instead)");
  if (url.search !== "" || url.hash !== "") return bad("a URL without `?` and `#`");
  return good(url.href.replace(/\/+$/, ""));
}

function parseRedis(text: string): Parsed {
  if (text.startsWith("/")) return good(text);
  const known = /^(rediss?(\+(cluster|sentinel))?|unix):\/\/\S+$/.test(text);
  return known
    ? good(text)
    : bad("redis://, rediss://, redis+cluster://, redis+sentinel:// or the path of a Unix socket");
}

/** An absolute URI (RFC 3986 §4.3): a scheme, then no white space and no `|`, which separates system and value in FHIR searches. */
function isSystem(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:[^\s|<>"]+$/.test(text);
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).format(0) !== "";
  } catch {
    return false;
  }
}

function parseTerms({ terms, what }: { terms: readonly string[]; what: string }, raw: unknown): Parsed {
  return parseMap(raw, "term", `a ${what}`, (text) => {
    const value = terms.find((term) => term === text.toUpperCase());
    return value === undefined ? undefined : { value };
  });
}

type ParseValue = (value: string) => { value: unknown } | undefined;

/** A map of names: pairs with commas between them, or a JSON object. Each value is parsed; one that cannot be is told by its name. */
function parseMap(raw: unknown, noun: string, expectedValue: string, parseValue: ParseValue): Parsed {
  const expected = `name=${noun} pairs with commas between them, or a JSON object {"name": "${noun}"}`;
  const entries = systemEntries(raw);
  if (entries === undefined || entries.some(([name]) => name === "")) return bad(expected);
  const parsed: [string, unknown][] = [];
  for (const [name, value] of entries) {
    const found = typeof value === "string" ? parseValue(value) : undefined;
    if (found === undefined) return bad(`${expectedValue} for ${JSON.stringify(name)}`);
    parsed.push([name, found.value]);
  }
  if (new Set(entries.map(([name]) => name)).size < entries.length) return bad("each name once");
  return good(Object.freeze(Object.fromEntries(parsed)));
}

function parseSystem(value: string): { value: string } | undefined {
  return isSystem(value) ? { value } : undefined;
}

const SNOMED = "http://snomed.info/sct";

/** `818981001`, or `system|code` with an optional `|display`. A code of SNOMED CT must have its check digit. */
function parseCode(text: string): { value: CodeOption } | undefined {
  const parts = text.split("|").map((part) => part.trim());
  const [system = "", code = "", display = ""] = parts.length === 1 ? [SNOMED, parts[0]] : parts;
  if (parts.length > 3 || !isSystem(system) || !/^\S+( \S+)*$/.test(code)) return undefined;
  if (system === SNOMED && !isSnomedId(code)) return undefined;
  return { value: Object.freeze({ system, code, ...(display === "" ? {} : { display }) }) };
}

/** A SNOMED CT identifier: 6 to 18 digits, the last of which is Verhoeff's check digit (SNOMED CT Technical Implementation Guide, "Check-digit"). */
function isSnomedId(text: string): boolean {
  if (!/^[1-9]\d{5,17}$/.test(text)) return false;
  let check = 0;
  for (const [index, digit] of [...text].reverse().entries())
    check = dihedral(check, permuted(Number(digit), index % 8));
  return check === 0;
}

/** The product of two elements of the dihedral group of order 10: rotations 0 to 4, reflections 5 to 9. */
function dihedral(a: number, b: number): number {
  const [x, y] = [a % 5, b % 5];
  if (a < 5) return b < 5 ? (x + y) % 5 : 5 + ((x + y) % 5);
  return b < 5 ? 5 + ((x - y + 5) % 5) : (x - y + 5) % 5;
}

/** Verhoeff's permutation, applied this many times. */
function permuted(digit: number, times: number): number {
  let result = digit;
  for (let i = 0; i < times; i++) result = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][result] ?? 0;
  return result;
}

function systemEntries(raw: unknown): [string, unknown][] | undefined {
  if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return Object.entries(raw);
  if (typeof raw !== "string") return undefined;
  if (!raw.trim().startsWith("{")) return systemPairs(raw);
  try {
    return systemEntries(JSON.parse(raw));
  } catch {
    return undefined;
  }
}

function systemPairs(text: string): [string, unknown][] | undefined {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  if (pairs.some((pair) => !pair.includes("="))) return undefined;
  return pairs.map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}

/** Names with commas between them, or a list of them; each once, in the order of the table. */
function parseNames(names: Readonly<Record<string, string>>, raw: unknown): Parsed {
  const given: readonly unknown[] = Array.isArray(raw) ? raw : typeof raw === "string" ? raw.split(",") : [undefined];
  const wanted = new Set<string>();
  for (const one of given) {
    if (typeof one !== "string") return bad("names with commas between them, or a list of names");
    const name = one.trim().toLowerCase();
    if (name !== "" && !Object.hasOwn(names, name)) return bad(unknownName(one.trim(), Object.keys(names)));
    if (name !== "") wanted.add(name);
  }
  return good(Object.freeze(Object.keys(names).filter((name) => wanted.has(name))));
}

/** The nearest name, if it is near enough to be a slip; else all of them. */
function unknownName(given: string, names: readonly string[]): string {
  const plain = given.toLowerCase().replaceAll(/[^a-z]/g, "");
  const near = names
    .map((name) => ({ name, slips: distance(plain, name.replaceAll("-", "")) }))
    .sort((a, b) => a.slips - b.slips)[0];
  const close = near !== undefined && near.slips <= Math.max(2, plain.length / 3);
  return close
    ? `known names; did you mean ${near.name} by ${JSON.stringify(given)}?`
    : `names out of ${names.join(", ")}; not ${JSON.stringify(given)}`;
}

/** Letters to put in, take out or replace (Levenshtein); only for short texts. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a.slice(0, 64)].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === b[j] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
