/** Whether the tests that documents and lists name are there. */
import { existsSync, readFileSync } from "node:fs";

/** Those of the titles that stand in the file in no quotes, or only behind `skip(`; all of them when there is no such file. */
export function titlesNotIn(path: string, titles: readonly string[]): string[] {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return titles.filter((title) =>
    ['"', "`", "'"].every((quote) => {
      const at = text.indexOf(`${quote}${title}${quote}`);
      return at < 0 || /\bskip\(\s*$/.test(text.slice(0, at));
    }),
  );
}
