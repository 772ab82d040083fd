import type { Level } from "./query-parse.ts";
import { tag } from "./tags.ts";

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Default attributes of a result per API version and level (contract §4.2). */
const defaults: Readonly<Record<1 | 2, Readonly<Record<Level, readonly string[]>>>> = {
  1: {
    study: words(
      "00080005 00080020 00080030 00080050 00080056 00080090 00080201 00100010 00100020 00100030 00100040 0020000D 00200010",
    ),
    series: words("00080005 00080060 00080201 0008103E 0020000E 00400244 00400245 00400275"),
    instance: words("00080005 00080016 00080018 00080056 00080201 00200013 00280010 00280011 00280100 00280008"),
  },
  2: {
    study: words("0020000D 00080020 00081030 00080050 00080090 00100010 00100020 00100030"),
    series: words("0020000E 00080060 00400244 00081090"),
    instance: words("00080018"),
  },
};

/** Levels whose attributes a result carries: its own, and those above that the path does not name. */
export function resultLevels(level: Level, path: { study?: string; series?: string }): Level[] {
  const levels: Level[] = [level];
  if (level === "instance" && path.series === undefined) levels.push("series");
  if (level !== "study" && path.study === undefined) levels.push("study");
  return levels;
}

/** Whether a tag belongs into a result. */
export function fieldFilter(
  api: 1 | 2,
  level: Level,
  levels: readonly Level[],
  include: "all" | readonly string[],
): (item: string) => boolean {
  if (include === "all" && level === "instance") return () => true;
  const wanted = new Set(levels.flatMap((one) => defaults[api][one]));
  if (include !== "all") for (const item of include) wanted.add(item);
  else
    for (const one of levels)
      for (const item of [...defaults[1][one], ...defaults[2][one], ...computed(one)]) wanted.add(item);
  return (item) => wanted.has(item) || (include === "all" && levels.includes("study") && item.startsWith("0010"));
}

function computed(level: Level): string[] {
  if (level === "study") return [tag.modalitiesInStudy, tag.studyInstances];
  return level === "series" ? [tag.seriesInstances] : [];
}
