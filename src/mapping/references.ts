/** References inside a resource, wherever they stand. */

type Json = Record<string, unknown>;

/**
 * The resource with every literal reference as `rewrite` has it; undefined takes `reference` away and leaves type, identifier and display. What does
 * not change is shared with the argument. Instances hold no references and are not looked at: there may be 100,000.
 */
export function rewriteReferences<T extends object>(
  resource: T,
  rewrite: (reference: string) => string | undefined,
): T {
  return rewritten(resource, rewrite) as T;
}

function rewritten(value: unknown, rewrite: (reference: string) => string | undefined): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => rewritten(item, rewrite));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (typeof value !== "object" || value === null) return value;
  let copy: Json | undefined;
  for (const [name, member] of Object.entries(value)) {
    if (name === "instance") continue;
    const after = name === "reference" && typeof member === "string" ? rewrite(member) : rewritten(member, rewrite);
    if (after === member) continue;
    copy ??= { ...value };
    if (after === undefined) delete copy[name];
    else copy[name] = after;
  }
  return copy ?? value;
}
