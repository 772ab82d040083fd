/**
 * What an option is. The manifest (options.ts) is a table of these; flags, environment variables, the file, --help, docs/configuration.md, checks
 * and masking all come from it.
 */

/** Where reading the feed starts when there is no checkpoint: all of it, from now on, after a sequence, or at a time (ms since 1970). */
export type FeedStartOption = "beginning" | "now" | { sequence: number } | { timeMs: number };

/** A code that a site gives to a name. */
export type CodeOption = { system: string; code: string; display?: string };

type Common<T> = {
  group: Group;
  /** One sentence for --help and the docs. */
  about: string;
  default?: T;
  example?: string;
  /** Never printed, and not to be had as a flag (other users see a process's flags); may be given as NAME_FILE instead. */
  secret?: true;
  /** A file with the value may be named by NAME_FILE. Every secret has this. */
  fileToo?: true;
};

export type Option =
  | (Common<string> & { kind: "url" | "public-url" | "redis" | "system" | "time-zone" | "id" | "text" | "path" })
  | (Common<string> & { kind: "choice"; choices: readonly string[] })
  | (Common<string> & { kind: "feed-start" })
  | (Common<number> & { kind: "integer" | "ms" | "number"; min: number; max: number })
  | (Common<Readonly<Record<string, string>>> & { kind: "systems" })
  /** Name → code: of SNOMED CT, or `system|code|display`. */
  | (Common<Readonly<Record<string, CodeOption>>> & { kind: "codes" })
  /** Name → one of these terms. */
  | (Common<Readonly<Record<string, string>>> & { kind: "terms"; terms: readonly string[]; what: string })
  /** A list of names out of a table: name → what it stands for. */
  | (Common<readonly string[]> & { kind: "names"; names: Readonly<Record<string, string>> });

export const GROUPS = {
  services: "Services",
  resources: "What is written to FHIR",
  http: "HTTP server and logs",
  auth: "Access to the services",
  feed: "Following the feed",
  sync: "Syncing studies",
  limits: "Limits and watchdogs",
} as const;
export type Group = keyof typeof GROUPS;

/** `DICOM_URL` → `--dicom-url` */
export function flagOf(name: string): string {
  return `--${name.toLowerCase().replaceAll("_", "-")}`;
}
