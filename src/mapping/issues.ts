import { type Keyword, tagOf } from "./tags.ts";

/** A value left out or kept with a doubt. It names the attribute and the kind of trouble, never the value. */
export type Issue = { tag: string; keyword: string; code: IssueCode; count: number };

/** What can be wrong with a value. `left-out`: it is not in FHIR; `kept`: it is, in the form the text tells. */
export const ISSUE_CODES = {
  missing: { effect: "left-out", text: "the attribute is absent or empty although the resource needs it" },
  "multiple-values": {
    effect: "kept",
    text: "several values where one is allowed; the first is used, further Patient IDs become further identifiers",
  },
  "wrong-type": { effect: "left-out", text: "the JSON value has a type that the attribute cannot have" },
  "bulk-data": { effect: "left-out", text: "the value is elsewhere (BulkDataURI) and is not fetched" },
  "inline-binary": { effect: "left-out", text: "the value is in InlineBinary although the attribute is text" },
  "too-long": { effect: "left-out", text: "the text is longer than FHIR allows (1 MiB)" },
  "escape-sequence": { effect: "kept", text: "ISO 2022 escape sequences were left in the text; they are removed" },
  "malformed-text": {
    effect: "kept",
    text: "the text holds halves of surrogate pairs, non-characters or, in an identifier, control characters; they are replaced by U+FFFD",
  },
  "invalid-uid": { effect: "left-out", text: "not a UID (PS3.5 §9), or longer than 64 characters" },
  "leading-zero": { effect: "kept", text: "a UID component begins with a zero" },
  "invalid-date": { effect: "left-out", text: "not a date of the calendar" },
  "partial-date": { effect: "kept", text: "a date without day or month; its precision is kept" },
  "legacy-date": { effect: "kept", text: "a date with separators" },
  "invalid-time": { effect: "left-out", text: "not a time of day; only the date is used" },
  "invalid-offset": { effect: "left-out", text: "not an offset from UTC" },
  "offset-repaired": { effect: "kept", text: "an offset from UTC in an unusual form" },
  "no-such-local-time": {
    effect: "left-out",
    text: "the time does not exist in TIME_ZONE (clocks go forward); only the date is used",
  },
  "invalid-number": { effect: "left-out", text: "not a whole number from 0 to 2147483647" },
  "unknown-code": { effect: "left-out", text: "not one of the attribute's defined terms" },
  uncoded: { effect: "kept", text: "no code is known for the text; it is written as display only" },
  derived: { effect: "kept", text: "absent; taken from the SOP class" },
  "name-components": {
    effect: "kept",
    text: "more components or groups than a person name has; the surplus is left out",
  },
  "issuer-unmapped": { effect: "kept", text: "the issuer is in no ISSUER_SYSTEMS entry; the default system is used" },
  "several-patients": {
    effect: "left-out",
    text: "instances of the study name another patient; the most frequent one is used",
  },
  unpaired: {
    effect: "left-out",
    text: "as many names as identification items are needed to tell whose the ids are; the names are written without ids",
  },
  "rejection-note": {
    effect: "left-out",
    text: "instances that a rejection note of the study takes out (IHE Imaging Object Change Management)",
  },
  "other-study": {
    effect: "left-out",
    text: "a rejection note names instances of another study; of this one it takes out none by that",
  },
  conflict: { effect: "left-out", text: "instances disagree; the most frequent value is used" },
  "too-many-values": { effect: "left-out", text: "more different values in the study than are listed" },
  "profile-not-claimed": {
    effect: "left-out",
    text: "a profile of PROFILES demands what this attribute (or an option, for RetrieveLocationUID) would tell; the study does not claim it",
  },
  "duplicate-instance": { effect: "left-out", text: "the same SOP Instance UID twice in one series" },
  "in-several-series": { effect: "kept", text: "the same SOP Instance UID in several series" },
} as const satisfies Record<string, { effect: "left-out" | "kept"; text: string }>;

export type IssueCode = keyof typeof ISSUE_CODES;

/** Takes one issue of the value being read. */
export type Note = (keyword: Keyword, code: IssueCode) => void;

/** Issues as kept with the values they came from: `Keyword code`, so that equal ones are shared and counted cheaply. */
export type IssueKey = `${Keyword} ${IssueCode}`;

export const NO_ISSUES: readonly IssueKey[] = Object.freeze([]);

/** A collector for one group of values. Each issue counts once for a group, however many items of a sequence have it. */
export function collectIssues(): { note: Note; issues(): readonly IssueKey[] } {
  let keys: IssueKey[] | undefined;
  return {
    note(keyword, code) {
      const key: IssueKey = `${keyword} ${code}`;
      keys ??= [];
      if (!keys.includes(key)) keys.push(key);
    },
    issues: () => keys ?? NO_ISSUES,
  };
}

/** The counted issues of a study, ordered by tag and code. */
export function listIssues(counts: ReadonlyMap<IssueKey, number>): Issue[] {
  const issues = [...counts].map(([key, count]) => {
    const [keyword, code] = key.split(" ") as [Keyword, IssueCode];
    return { tag: tagOf(keyword), keyword, code, count };
  });
  const order = (issue: Issue) => `${issue.tag} ${issue.code}`;
  return issues.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
