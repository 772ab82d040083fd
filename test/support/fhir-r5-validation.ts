/**
 * Validity of FHIR R5 resources without Java: against the R5 definitions as `@types/fhir` declares them (members, lists, required members, primitive
 * types, required codes), and the formats of FHIR's primitives, which those declarations do not have. HAPI's validator holds the rest (test/hapi).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

type Member = { types: readonly string[]; codes: readonly string[]; list: boolean; required: boolean };
type Definitions = ReadonlyMap<string, ReadonlyMap<string, Member>>;

let loaded: Definitions | undefined;

/** `export interface Name extends Base { member?: (Type|'code')[] | undefined; … }` → members by name, inherited ones too. */
function load(): Definitions {
  const text = readFileSync(createRequire(import.meta.url).resolve("@types/fhir/r5.d.ts"), "utf8");
  const own = new Map<string, { base: string | undefined; members: [string, Member][] }>();
  for (const [, name = "", base, body = ""] of text.matchAll(
    /^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}/gms,
  )) {
    const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)(\?)?: (.+);$/gm)].map(
      ([, member = "", optional, type = ""]): [string, Member] => {
        const alternatives = type
          .replace(" | undefined", "")
          .replaceAll(/[()]|\[\]$/g, "")
          .split("|");
        const codes = alternatives.filter((one) => one.startsWith("'")).map((one) => one.slice(1, -1));
        const types = alternatives.filter((one) => !one.startsWith("'")).map((one) => one.trim());
        return [member, { types, codes, list: /\[\]/.test(type), required: optional === undefined }];
      },
    );
    own.set(name, { base, members });
  }
  const all = new Map<string, ReadonlyMap<string, Member>>();
  for (const name of own.keys()) {
    const members: [string, Member][] = [];
    for (let type: string | undefined = name; type !== undefined; type = own.get(type)?.base)
      members.unshift(...(own.get(type)?.members ?? []));
    all.set(name, new Map(members));
  }
  return all;
}

const DATE = /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$/;
const DATE_TIME =
  /^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-](0\d|1[0-4]):[0-5]\d))?)?)?$/;
/** hl7.org/fhir/R5/datatypes.html, by the names under which our resources have these types. */
const FORMATS: Readonly<Record<string, RegExp>> = {
  id: /^[A-Za-z0-9\-.]{1,64}$/,
  uid: /^[A-Za-z0-9\-.]{1,64}$/,
  system: /^\S+$/,
  url: /^\S+$/,
  profile: /^\S+$/,
  code: /^\S+( \S+)*$/,
  valueCode: /^\S+( \S+)*$/,
  birthDate: DATE,
  started: DATE_TIME,
  valueDateTime: DATE_TIME,
  address: /^\S+$/,
};
const UNSIGNED = new Set(["number", "numberOfSeries", "numberOfInstances", "valueUnsignedInt"]);

/** Everything wrong with an R5 resource, as sentences with a path; an empty list means valid. */
export function validateFhirR5(resource: unknown): string[] {
  loaded ??= load();
  const sent = JSON.parse(JSON.stringify(resource)) as { resourceType: string };
  return object(sent, sent.resourceType, sent.resourceType, loaded);
}

function object(value: object, type: string, path: string, definitions: Definitions): string[] {
  const members = definitions.get(type);
  if (members === undefined) return [`${path}: ${type} is no type of R5`];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path}: empty object`];
  const present = new Set(entries.map(([name]) => name));
  const missing = [...members]
    .filter(([name, { required }]) => required && !present.has(name) && !present.has(`_${name}`))
    .map(([name]) => `${path}: ${name} is missing`);
  const inside = entries.flatMap(([name, held]) => {
    const member = members.get(name);
    if (member === undefined) return [`${path}: ${name} is no member of ${type}`];
    if (Array.isArray(held) !== member.list) return [`${path}.${name}: ${member.list ? "no list" : "a list"}`];
    const items: unknown[] = Array.isArray(held) ? held : [held];
    if (items.length === 0) return [`${path}.${name}: empty list`];
    return items.flatMap((item, index) =>
      item === null && name.startsWith("_")
        ? []
        : one(item, name, member, Array.isArray(held) ? `${path}.${name}[${index}]` : `${path}.${name}`, definitions),
    );
  });
  return [...missing, ...inside];
}

function one(value: unknown, name: string, member: Member, path: string, definitions: Definitions): string[] {
  if (typeof value === "object" && value !== null) {
    const type = member.types.find((known) => definitions.has(known));
    return type === undefined ? [`${path}: an object`] : object(value, type, path, definitions);
  }
  if (typeof value === "string" && member.codes.length > 0)
    return member.codes.includes(value) ? [] : [`${path}: ${value} is none of its codes`];
  if (!member.types.includes(typeof value)) return [`${path}: ${typeof value} instead of ${member.types.join("|")}`];
  if (typeof value === "number")
    return UNSIGNED.has(name) && !(Number.isInteger(value) && value >= 0 && value <= 2_147_483_647)
      ? [`${path}: ${value} is no unsignedInt`]
      : [];
  if (typeof value !== "string") return [];
  const format = FORMATS[name];
  if (format !== undefined && !format.test(value)) return [`${path}: not in the format of ${name}`];
  return value.trim() === "" ? [`${path}: blank`] : [];
}
