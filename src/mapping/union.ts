/**
 * List elements of a study or series: an ordered union over its instances (rule A.7). A function of the set of lists, whatever their order: each list keeps
 * its own order, the lists stand in the order of their texts. Almost always there is one list only, the same in all instances.
 */

/** @param combine takes equal items together; gets all items in order */
export function union<T>(lists: Iterable<readonly T[]>, combine: (all: readonly T[]) => T[]): T[] {
  const distinct = new Map<string, readonly T[]>();
  for (const list of new Set(lists)) if (list.length > 0) distinct.set(JSON.stringify(list), list);
  if (distinct.size === 0) return [];
  const ordered = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, list]) => list);
  return combine(ordered.flat());
}

/** At most `limit` items; the surplus is counted. */
export function capped<T>(items: T[], limit: number, surplus: (count: number) => void): T[] {
  if (items.length <= limit) return items;
  surplus(items.length - limit);
  return items.slice(0, limit);
}
