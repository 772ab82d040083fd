/**
 * Error bodies as real servers write them: with the search URL, the names and the identifiers of the request in the text.
 * Whatever a worker logs of such a body is patient data in a log.
 */

const INTERESTING = new Set(["family", "given", "text", "value", "birthDate", "display"]);

/** Names, identifier values, birth dates and display texts found in a request body, or the query's values. */
export function personalParts(path: string, body: string): string[] {
  const parts = new Set<string>();
  const at = path.indexOf("?");
  if (at >= 0) for (const [, value] of new URLSearchParams(path.slice(at + 1))) parts.add(value);
  if (body !== "") {
    try {
      collect(JSON.parse(body), parts);
    } catch {
      // Not JSON, or longer than what was kept: strings are picked out as they stand.
      const pattern = /"(?:family|text|value|birthDate|display)"\s*:\s*"([^"\\]{1,200})"/g;
      for (const match of body.matchAll(pattern)) parts.add(match[1] ?? "");
    }
  }
  return [...parts].slice(0, 50);
}

function collect(value: unknown, parts: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, parts);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === "string") {
        if (INTERESTING.has(key)) parts.add(item);
        // Conditional urls carry identifiers too.
        if ((key === "url" || key === "ifNoneExist") && item.includes("=")) parts.add(item);
      } else if (key === "given" && Array.isArray(item)) {
        for (const name of item) if (typeof name === "string") parts.add(name);
      } else collect(item, parts);
    }
  }
}

/** An OperationOutcome whose text repeats the request. */
export function echoOutcome(code: string, path: string, parts: readonly string[]): string {
  const said = `Failed to process request ${path}: ${parts.join(", ")}`;
  return JSON.stringify({
    resourceType: "OperationOutcome",
    text: { status: "generated", div: `<div xmlns="http://www.w3.org/1999/xhtml">${escapeHtml(said)}</div>` },
    issue: [{ severity: "error", code, diagnostics: said, details: { text: said } }],
  });
}

/** An HTML error page whose text repeats the request. */
export function echoHtml(status: number, path: string, parts: readonly string[]): string {
  return `<!doctype html><html><head><title>Error ${status}</title></head><body><h1>Error ${status}</h1><p>${escapeHtml(
    `${path} ${parts.join(" ")}`,
  )}</p></body></html>`;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
