/** Finds in written resources what a row of the mapping is about. */
import { isRecord } from "./dataset.ts";
import { TAG_SYSTEM } from "./identity.ts";
import type { ItemOwner } from "./ownership.ts";
import type { MappingRow } from "./rows/row.ts";

type Json = Readonly<Record<string, unknown>>;

/** Slices whose items no owner tells from the others of their list. */
const BY_SLICE: Readonly<Record<string, (item: Json) => boolean>> = {
  created: (item) => item["system"] === TAG_SYSTEM,
  "other ids": (item) => item["use"] === "secondary",
  usual: (item) => item["use"] === "usual",
  maiden: (item) => item["use"] === "maiden",
  old: (item) => item["use"] === "old",
  model: (item) => item["type"] === "model-name",
  station: (item) => item["type"] === "user-friendly-name",
};

/** What stands at a path (names without the resource type); lists on the way are gone through. Undefined for nothing. */
export function valueAt(resource: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return resource;
  if (Array.isArray(resource)) {
    const found = resource.map((item) => valueAt(item, path)).filter((value) => value !== undefined);
    return found.length === 0 ? undefined : found.flat();
  }
  return isRecord(resource) && Object.hasOwn(resource, name) ? valueAt(resource[name], rest) : undefined;
}

/** The part of a value that is the row's, when several rows share the element. */
export function partOf(row: MappingRow, siblings: readonly MappingRow[], value: unknown): unknown {
  if (siblings.length < 2 || !Array.isArray(value)) return value;
  const claims = (one: MappingRow, item: unknown) => claim(one, item) ?? false;
  const found = value.filter((item) =>
    claim(row, item) === undefined
      ? !siblings.some((other) => other !== row && claims(other, item))
      : claims(row, item),
  );
  return found.length === 0 ? undefined : found;
}

/** Whether an item is the row's; undefined when the row takes what no other does. */
function claim({ slice, ownership }: MappingRow, item: unknown): boolean | undefined {
  if (ownership.kind === "values") return ownership.values.some((one) => one === item);
  if (!isRecord(item)) return undefined;
  const bySlice = slice === undefined ? undefined : BY_SLICE[slice];
  if (bySlice !== undefined) return bySlice(item);
  return ownership.kind === "items" ? ownedItem(ownership.owner, item) : undefined;
}

function ownedItem(owner: ItemOwner, item: Json): boolean | undefined {
  switch (owner.by) {
    case "system":
      return item["system"] === owner.system;
    case "type-code":
      return hasType(item, owner.code);
    case "identifier-type-code":
      return isRecord(item["identifier"]) && hasType(item["identifier"], owner.code);
    case "url":
      return item["url"] === owner.url;
    default:
      return undefined;
  }
}

function hasType(identifier: Json, code: string): boolean {
  const codings = valueAt(identifier, ["type", "coding", "code"]);
  return Array.isArray(codings) && codings.includes(code);
}
