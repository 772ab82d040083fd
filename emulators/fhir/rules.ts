/**
 * How the two switches answer. `STRICT` follows FHIR R4 §3.1 (http.html) as Azure's FHIR service reads it; `HAPI` is what a
 * HAPI FHIR 8.8 JPA server was seen to do. One row per difference, so that code never asks "is this HAPI?".
 */
export type Rules = Readonly<{
  /** Status of a write whose condition (If-Match, If-None-Match) does not hold. */
  staleStatus: 409 | 412;
  /** What an If-Match on an id that does not exist does. */
  ifMatchOnMissing: "create" | "refuse";
  /** Whether DELETE and If-None-Match look at their condition at all. */
  conditionsIgnored: boolean;
  /** Whether a PUT of the same content is answered without a new version (and tags are merged). */
  unchangedKeepsVersion: boolean;
  /** Whether literal references must exist, and whether a resource that is referred to cannot be deleted. */
  integrity: boolean;
  /** Whether ids made of digits only are refused when a client chooses them; server ids are counted, not UUIDs. */
  numericServerIds: boolean;
  /** Whether, in a Bundle, the id of the URL wins over another or no id in the body (otherwise, and alone, 400). */
  urlIdWinsInBundle: boolean;
  /** Form of etag, status and location in the entries of a response Bundle. */
  entryForm: "hapi" | "strict";
  /** How long (ms) an equal search may be answered with its first list of hits; 0: never. */
  searchCacheMs: number;
  /** How far the version jumps when a deleted resource is put again, alone (HAPI: 1 or 2 were both seen). */
  revivalStep: number;
  /** Whether a lone DELETE answers 200 with an OperationOutcome (otherwise 204). */
  deleteAnswersOutcome: boolean;
  /** Whether the capability statement names update-as-create and batch (HAPI does both and says neither). */
  namesAbilities: boolean;
  /** Whether a PUT answers with Content-Location instead of Location. */
  contentLocation: boolean;
  /** Two entries for one resource in a transaction: refused, or only for the same fullUrl. */
  duplicates: "refuse" | "hapi";
  /** Resources come back in write answers unless `Prefer: return=minimal`, or only when asked for in a Bundle. */
  entryResources: "always" | "on-request";
  /** Null, empty string, empty list or object in a resource: 400. */
  refusesEmpty: boolean;
  /** What `metadata` says. */
  fhirVersion: string;
  /** Whether a PUT may choose a new id (R4 http.html §3.1.0.4.1: otherwise 405). */
  updateCreate: boolean;
  /** Most entries of a Bundle (Azure: 500). */
  maxEntries: number;
  /** Older versions kept per resource, deleted ones included: a study that grows, or studies that come and go, would otherwise fill the memory of a bench. */
  historyLimit: number;
}>;

export const STRICT: Rules = {
  staleStatus: 412,
  ifMatchOnMissing: "refuse",
  conditionsIgnored: false,
  unchangedKeepsVersion: false,
  integrity: false,
  numericServerIds: false,
  urlIdWinsInBundle: false,
  entryForm: "strict",
  searchCacheMs: 0,
  revivalStep: 1,
  deleteAnswersOutcome: false,
  namesAbilities: true,
  contentLocation: false,
  duplicates: "refuse",
  entryResources: "always",
  refusesEmpty: true,
  fhirVersion: "4.0.1",
  updateCreate: true,
  maxEntries: 500,
  historyLimit: 50,
};

export const HAPI: Rules = {
  staleStatus: 409,
  ifMatchOnMissing: "create",
  conditionsIgnored: true,
  unchangedKeepsVersion: true,
  integrity: true,
  numericServerIds: true,
  urlIdWinsInBundle: true,
  entryForm: "hapi",
  searchCacheMs: 60_000,
  revivalStep: 2,
  deleteAnswersOutcome: true,
  namesAbilities: false,
  contentLocation: true,
  duplicates: "hapi",
  entryResources: "on-request",
  refusesEmpty: false,
  fhirVersion: "4.0.1",
  updateCreate: true,
  maxEntries: Number.POSITIVE_INFINITY,
  historyLimit: 50,
};
