/** Loads the module of MAPPING_MODULE, once, before anything is started. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { StudycastError } from "../errors.ts";
import { parseOwned, type SiteModule, type SiteRules } from "../site-rules.ts";

/**
 * @param path of an ES module, relative to the working directory; undefined: there are no rules
 * @throws StudycastError CONFIG_INVALID when it cannot be loaded, or exports no function
 */
export async function loadSiteRules(path: string | undefined): Promise<SiteModule | undefined> {
  if (path === undefined) return undefined;
  const wrong = (expected: string, cause?: unknown) =>
    new StudycastError(
      "CONFIG_INVALID",
      { problems: [`MAPPING_MODULE ${JSON.stringify(path)}: expected ${expected}`] },
      { cause },
    );
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await import(pathToFileURL(resolve(path)).href);
  } catch (thrown) {
    throw wrong(`an ES module that can be loaded, not one that fails with ${reasonOf(thrown)}`, thrown);
  }
  const rules = ruleFunction(exported);
  if (rules === undefined) throw wrong("a module whose default export, or only exported function, is the rules");
  const entries: unknown = exported["owns"] ?? [];
  if (!Array.isArray(entries)) throw wrong("`owns` to be a list of elements");
  const owns = entries.map((entry: unknown) => {
    const owned = parseOwned(entry);
    if (owned === undefined)
      throw wrong(
        `each entry of \`owns\` to be an element that is not the mapping's own, such as Patient.generalPractitioner or ImagingStudy.extension[url=https://host/x], not ${JSON.stringify(entry)}`,
      );
    return owned;
  });
  return { rules, owns };
}

function ruleFunction(exported: Readonly<Record<string, unknown>>): SiteRules | undefined {
  const isRules = (value: unknown): value is SiteRules => typeof value === "function";
  if (isRules(exported["default"])) return exported["default"];
  const functions = Object.values(exported).filter(isRules);
  return functions.length === 1 ? functions[0] : undefined;
}

/** Node's code or the kind of error; the text may be long and quote the file. */
function reasonOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return "something that is no error";
  if ("code" in thrown && typeof thrown.code === "string") return thrown.code;
  return "name" in thrown ? String(thrown.name) : "an error";
}
