/** UIDs out of a dataset that is no valid JSON or is cut off: to tell a person which instance it is. */

const SERIES = "0020000E";
const SOP = "00080018";

/** The SeriesInstanceUID and SOPInstanceUID of the dataset itself, as far as they can be found; those in its sequences belong to others. */
export function findUids(text: string): { series?: string; sop?: string } {
  const found: { series?: string; sop?: string } = {};
  let depth = 0;
  // Strings (ended or not) and brackets: enough to know how deep a tag stands.
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*(?:"|$)|[{}[\]]/gs)) {
    const token = match[0];
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && (token === `"${SERIES}"` || token === `"${SOP}"`)) {
      const value = uidAfter(text, match.index + token.length);
      if (value === undefined) continue;
      if (token === `"${SOP}"`) found.sop ??= value;
      else found.series ??= value;
    }
  }
  return found;
}

/** The first value of the element that begins here. */
function uidAfter(text: string, at: number): string | undefined {
  const element = /^\s*:\s*\{[^{}]*?"Value"\s*:\s*\[\s*"([0-9.]{1,64})\s*"/.exec(text.slice(at, at + 500));
  return element?.[1];
}
