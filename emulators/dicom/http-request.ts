import { HttpError } from "./http-reply.ts";

/** Query parameters in order; names are compared case-insensitively except where QIDO-RS takes keywords. */
export type Query = readonly { readonly name: string; readonly value: string }[];

export function parseQuery(search: string): Query {
  // The service refuses these anywhere in the query string (contract §1.2).
  if (/<|%3c/i.test(search)) throw new HttpError(400, "The query string contains an invalid character.");
  return [...new URLSearchParams(search)].map(([name, value]) => ({ name, value }));
}

export function lastValue(query: Query, name: string): string | undefined {
  return query.findLast((item) => item.name.toLowerCase() === name.toLowerCase())?.value;
}

/** An integer parameter within its bounds; 400 with a sentence otherwise. */
export function integerParameter(query: Query, name: string, fallback: number, min: number, max: number): number {
  const text = lastValue(query, name);
  if (text === undefined) return fallback;
  if (!/^[+-]?\d{1,19}$/.test(text.trim()) || BigInt(text.trim()) > 9_223_372_036_854_775_807n)
    throw invalid(name, `The value '${text}' is not valid.`);
  const value = Number(text);
  if (value < min || value > max) throw invalid(name, `The field must be between ${min} and ${max}.`);
  return value;
}

export function booleanParameter(query: Query, name: string, fallback: boolean): boolean {
  const text = lastValue(query, name)?.toLowerCase();
  if (text === undefined) return fallback;
  if (text !== "true" && text !== "false") throw invalid(name, `The value '${text}' is not valid.`);
  return text === "true";
}

export function invalid(name: string, reason: string): HttpError {
  return new HttpError(400, `The request contains an invalid query parameter '${name}': ${reason}`);
}

type MediaRange = { readonly type: string; readonly parameters: Readonly<Record<string, string>> };

export function mediaRanges(accept: string): MediaRange[] {
  return accept.split(",").map((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const parameters: Record<string, string> = {};
    for (const piece of rest) {
      const equals = piece.indexOf("=");
      if (equals > 0)
        parameters[piece.slice(0, equals).trim().toLowerCase()] = piece
          .slice(equals + 1)
          .trim()
          .replace(/^"|"$/g, "");
    }
    return { type: type.toLowerCase(), parameters };
  });
}

const jsonRanges = new Set(["application/dicom+json", "application/json", "application/*", "*/*"]);

/** The Accept rule of STOW-RS, QIDO-RS and the metadata of WADO-RS: compulsory, else 406 (contract §4.1). */
export function requireJsonAccept(accept: string | undefined): void {
  if (accept === undefined || !mediaRanges(accept).some(({ type }) => jsonRanges.has(type))) throw new HttpError(406);
}
