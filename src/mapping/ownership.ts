/**
 * What of a resource is ours, as data: the plan writes and removes nothing else. Elements that no tree names belong to others and are kept.
 */

/** How to tell our items of a list that others add to as well. */
export type ItemOwner =
  /** `item.system` */
  | { by: "system"; system: string }
  /** `item.type.coding` has it (Identifier) */
  | { by: "type-code"; system: string; code: string }
  /** `item.identifier.type.coding` has it (logical Reference) */
  | { by: "identifier-type-code"; system: string; code: string }
  /** `item.reference` is one of these (Reference) */
  | { by: "reference"; references: readonly string[] }
  /** `item.url` (Extension) */
  | { by: "url"; url: string }
  /** `item.extension` has one with this url */
  | { by: "extension"; url: string }
  /** An item that agrees with a wanted one in these members counts as there and stays as it is; else the wanted one is added. Nothing is removed. */
  | { by: "presence"; members: readonly string[] };

export type Owned =
  /**
   * The element is what is wanted; absent when nothing is wanted, except with `keepWhenAbsent`: then an element without a wanted value stays, unless it
   * is plainly one we wrote.
   */
  | { kind: "whole"; keepWhenAbsent?: true; unless?: ItemOwner }
  /** A list: items of these owners are exactly the wanted ones (but see `presence`); `keepWhenAbsent` as above. */
  | { kind: "items"; owners: readonly ItemOwner[]; keepWhenAbsent?: true }
  /** A list of texts: of these values those wanted, whatever else is in it. */
  | { kind: "values"; values: readonly string[] }
  /** An object of which we own some members. */
  | { kind: "members"; members: OwnershipTree }
  /** A list keyed by a member: its membership is ours, and of each item the members named; others' members of an item stay with it. */
  | { kind: "list"; key: "uid"; members: OwnershipTree };

export type OwnershipTree = { readonly [element: string]: Owned };

/** How one row's element is owned. `identity`: decided once, when the resource is made or found, and never planned. */
export type RowOwnership =
  | { kind: "identity" }
  | { kind: "whole"; keepWhenAbsent?: true; unless?: ItemOwner }
  | { kind: "items"; owner: ItemOwner; keepWhenAbsent?: true }
  | { kind: "values"; values: readonly string[] }
  | { kind: "list"; key: "uid" };

/** An element by its path (`Type.element.member`). */
export type OwnedElement = { target: string; ownership: RowOwnership };

/** The tree of one resource type out of its rows (`Type.element.member`). Rows of one list add up. */
export function ownershipTree(resourceType: string, rows: readonly OwnedElement[]): OwnershipTree {
  return subtree(`${resourceType}.`, rows);
}

function subtree(prefix: string, rows: readonly OwnedElement[]): OwnershipTree {
  const inside = rows.filter((row) => row.target.startsWith(prefix) && row.ownership.kind !== "identity");
  const names = new Set(inside.map((row) => row.target.slice(prefix.length).split(".")[0] ?? ""));
  return Object.fromEntries([...names].map((name) => [name, owned(prefix + name, inside)]));
}

function owned(path: string, rows: readonly OwnedElement[]): Owned {
  const own = rows.filter((row) => row.target === path).map((row) => row.ownership);
  const [first] = own;
  if (first === undefined) return { kind: "members", members: subtree(`${path}.`, rows) };
  if (first.kind === "list") return { kind: "list", key: first.key, members: subtree(`${path}.`, rows) };
  if (first.kind === "values")
    return { kind: "values", values: own.flatMap((one) => (one.kind === "values" ? one.values : [])) };
  const keep = own.some((one) => "keepWhenAbsent" in one) ? { keepWhenAbsent: true as const } : {};
  const owners = own.flatMap((one) => (one.kind === "items" ? [one.owner] : []));
  if (owners.length > 0) return { kind: "items", owners, ...keep };
  const unless = own.flatMap((one) => (one.kind === "whole" && one.unless !== undefined ? [one.unless] : []))[0];
  return { kind: "whole", ...keep, ...(unless === undefined ? {} : { unless }) };
}
