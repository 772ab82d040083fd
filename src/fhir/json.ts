/** Looking into JSON of unknown shape, and comparing it as FHIR does. Pure. */

export type Json = Record<string, unknown>;

/** A resource as a server gave it: whatever members it has. */
export type Resource = Json & { resourceType: string; id?: string };

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isResource(value: unknown): value is Resource {
  return isRecord(value) && typeof value["resourceType"] === "string";
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The object items of a list; an absent or malformed list has none. */
export function recordsOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Whether objects and lists stand in each other more than so many levels deep. What is walked and written by recursion must not be. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

/** Equal as JSON values: the order of members means nothing, the order of list items does; a member that is undefined is absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = presentNames(a);
  return names.length === presentNames(b).length && names.every((name) => sameJson(a[name], b[name]));
}

function presentNames(value: Json): string[] {
  return Object.keys(value).filter((name) => value[name] !== undefined);
}
