/** What the build tells one who asks why (explain.ts). A sync hands none in: it would cost time and change nothing in the result. */
import type { InstanceAttributes } from "./instance-attributes.ts";
import type { IssueCode } from "./issues.ts";
import type { Keyword } from "./tags.ts";
import { type Ballot, type Candidate, ranked } from "./vote.ts";

export type SeriesMembers = { uid: string; members: readonly InstanceAttributes[] };

/** One value out of several. `series` is the one it is of; undefined: the study, or its patient. */
export type Election = {
  level: "patient" | "study" | "series";
  series: string | undefined;
  /** The attribute that gives the value first of all. */
  keyword: Keyword;
  /** Best first. */
  candidates: readonly Candidate<unknown>[];
};

export type BuildObserver = {
  /** The instances that count, by series. */
  grouped(series: readonly SeriesMembers[]): void;
  elected(election: Election): void;
  /** An issue that shows only when instances are put side by side. */
  counted(series: string | undefined, keyword: Keyword, code: IssueCode, count: number): void;
};

/** Tells of an election, if anybody asks. */
export function tell<T>(
  observer: BuildObserver | undefined,
  level: Election["level"],
  series: string | undefined,
  keyword: Keyword,
  ballot: Ballot<T>,
): void {
  if (observer !== undefined && ballot.size > 0)
    observer.elected({ level, series, keyword, candidates: ranked(ballot) });
}
