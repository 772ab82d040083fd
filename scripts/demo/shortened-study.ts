/** One ImagingStudy for people to look at: the one with the most series, its lists cut short, small things on one line. */

/** Items shown of the long lists; of other lists all. */
const SHOWN = 1;
const LONG = new Set(["series", "instance"]);
const LINE = 120;

type Resource = { resourceType: string; id?: string };

/** Indented JSON; undefined when there is no study. */
export function shortenedStudy(studies: readonly Resource[]): string | undefined {
  const [chosen] = studies.toSorted((a, b) => series(b) - series(a) || ((a.id ?? "") < (b.id ?? "") ? -1 : 1));
  return chosen === undefined ? undefined : layOut(withoutMeta(chosen), "");
}

function withoutMeta(study: Resource): Resource {
  const { meta: _, ...rest } = { meta: undefined, ...study };
  return rest;
}

function series(study: Resource): number {
  return "series" in study && Array.isArray(study.series) ? study.series.length : 0;
}

/** `name` is the member's name when it is one; it is printed before the value. */
function layOut(value: unknown, indent: string, name = ""): string {
  const label = name === "" ? "" : `${JSON.stringify(name)}: `;
  if (typeof value !== "object" || value === null) return label + JSON.stringify(value);
  const inner = `${indent}  `;
  const items = Array.isArray(value)
    ? shown(value, LONG.has(name) ? SHOWN : value.length, inner)
    : Object.entries(value).map(([own, member]) => layOut(member, inner, own));
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{ ", " }"];
  const line = `${label}${open}${items.join(", ")}${close}`;
  if (indent.length + line.length <= LINE && !line.includes("\n")) return line;
  return `${label}${open.trim()}\n${items.map((item) => inner + item).join(",\n")}\n${indent}${close.trim()}`;
}

function shown(list: readonly unknown[], limit: number, indent: string): string[] {
  const items = list.slice(0, limit).map((item) => layOut(item, indent));
  return list.length > limit ? [...items, `… ${list.length - limit} more`] : items;
}
