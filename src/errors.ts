/**
 * Every error studycast can name: one row per code. Retry, exit status, metrics labels, the status page and docs/errors.md read this table only.
 *
 * class: `transient` is tried again without end (an unknown outcome is transient, because writes are conditional);
 *        `waiting` is transient too, but only a change elsewhere can cure it, so it is looked at again after a long delay;
 *        `permanent` needs a person. `service` names whose trouble it is, so that a probe can tell "down" from "this study".
 * `outcomeUnknown`: after it nobody knows whether a write that was sent has happened, or will.
 */
export type ErrorClass = "transient" | "waiting" | "permanent";
export type Service = "dicom" | "fhir" | "redis";
type Row = { class: ErrorClass; service?: Service; outcomeUnknown?: true; message: string; hint: string };

export const ERRORS = {
  CONFIG_INVALID: {
    class: "permanent",
    message: "An option is missing or wrong.",
    hint: "Correct the option named; `studycast start --help` lists all options.",
  },
  AUTH_FAILED: {
    class: "transient",
    message: "No access token could be had.",
    hint: "Check the credential options of the service named (`DICOM_AUTH`, `FHIR_AUTH` and theirs) and that the token endpoint can be reached.",
  },
  HTTP_ADDRESS_IN_USE: {
    class: "permanent",
    message: "The HTTP port is taken.",
    hint: "Set HTTP_PORT to a free port.",
  },
  HTTP_ADDRESS_INVALID: {
    class: "permanent",
    message: "The HTTP address cannot be listened at.",
    hint: "Set HTTP_HOST to an address of this machine, and HTTP_PORT to a port this user may open (1024 or higher).",
  },

  REDIS_UNAVAILABLE: {
    class: "transient",
    service: "redis",
    message: "Redis does not answer.",
    hint: "Check REDIS_URL and that Redis runs; studycast goes on by itself when it is back.",
  },
  REDIS_UNAUTHORIZED: {
    class: "transient",
    service: "redis",
    message: "Redis refuses the user, the password or a command.",
    hint: "Check the user and password in REDIS_URL and the user's ACL (docs/operations.md lists what it needs).",
  },
  REDIS_CERTIFICATE: {
    class: "transient",
    service: "redis",
    message: "Redis' TLS certificate is not accepted.",
    hint: "Give the authority that signed it by REDIS_CA, and use the host name in REDIS_URL that the certificate is for.",
  },
  REDIS_MISSING: {
    class: "permanent",
    service: "redis",
    message: "No Redis is installed here and none could be fetched.",
    hint: "Install redis-server (or valkey-server), or set REDIS_URL.",
  },
  REDIS_IN_USE: {
    class: "permanent",
    service: "redis",
    message: "Another studycast process uses this DATA_DIR.",
    hint: "Stop it, or give this one another DATA_DIR, or run both on one Redis with REDIS_URL.",
  },
  REDIS_NOT_STARTED: {
    class: "permanent",
    service: "redis",
    message: "REDIS_URL is not set, and no `studycast start` runs here with this DATA_DIR.",
    hint: "Start it, or give the command the REDIS_URL or DATA_DIR that the worker uses.",
  },
  REDIS_VERSION: {
    class: "permanent",
    service: "redis",
    message: "This Redis is too old.",
    hint: "Use Redis 6.2 or newer, or Valkey.",
  },
  REDIS_EVICTION: {
    class: "permanent",
    service: "redis",
    message: "This Redis may evict keys, and with them studies that wait.",
    hint: "Set `maxmemory-policy noeviction`.",
  },
  REDIS_PERSISTENCE: {
    class: "transient",
    service: "redis",
    message: "This Redis keeps nothing on disk.",
    hint: "Set `appendonly yes`, or accept that the feed is read again after a restart of Redis.",
  },
  REDIS_FULL: {
    class: "transient",
    service: "redis",
    message: "Redis has no memory left.",
    hint: "Raise maxmemory; reading the feed goes on when there is room.",
  },

  STATE_UNREADABLE: {
    class: "permanent",
    message: "The stored checkpoint cannot be read.",
    hint: "See `studycast checkpoint show`; `studycast checkpoint set` replaces it.",
  },
  STATE_LAYOUT: {
    class: "permanent",
    message: "The state in Redis was written by another layout version.",
    hint: "Run the version that wrote it, or start with a new SOURCE_ID or an empty Redis: the feed is then read again.",
  },
  STATE_IDENTITY: {
    class: "permanent",
    message: "Options that decide who is who have changed since the state was written.",
    hint: "Put them back, or accept the change with `studycast checkpoint --accept-identity` and then `studycast resync --all`.",
  },
  STATE_SOURCE: {
    class: "permanent",
    message: "This SOURCE_ID belongs to another DICOM service.",
    hint: "Give each DICOM service a SOURCE_ID of its own; if the service has moved, accept it with `studycast checkpoint --accept-identity`.",
  },
  STATE_LOST: {
    class: "permanent",
    message:
      "FHIR already holds this source's Endpoint, but Redis holds no state, and FEED_START=now would skip what lies between.",
    hint: "Start with FEED_START=beginning (nothing is written twice), or restore Redis.",
  },

  FEED_UNAVAILABLE: {
    class: "transient",
    service: "dicom",
    message: "The change feed does not answer.",
    hint: "Check DICOM_URL and the service; studycast goes on by itself.",
  },
  FEED_THROTTLED: {
    class: "transient",
    service: "dicom",
    message: "The change feed asks to slow down.",
    hint: "Nothing to do; if it lasts, raise the service's limits.",
  },
  FEED_UNAUTHORIZED: {
    class: "transient",
    service: "dicom",
    message: "The DICOM service refuses the credential for the change feed.",
    hint: "Grant the identity read access (Azure: DICOM Data Reader) and check DICOM_AUTH.",
  },
  FEED_NOT_FOUND: {
    class: "permanent",
    service: "dicom",
    message: "There is no change feed at this URL.",
    hint: "DICOM_URL is the service's root, without /v1, /v2 or /studies.",
  },
  FEED_RESPONSE: {
    class: "transient",
    service: "dicom",
    message: "The answer is not a change feed.",
    hint: "Check that DICOM_URL names the DICOM service itself and no proxy's page.",
  },
  FEED_RESET: {
    class: "permanent",
    service: "dicom",
    message:
      "The change feed ends before the checkpoint, or a known entry is gone: the service was restored or is another one.",
    hint: "If that is meant: `studycast checkpoint set 0`, which reads the whole feed again.",
  },
  FEED_LATE: {
    class: "transient",
    service: "dicom",
    message: "Entries of the change feed could be read only after GRACE_MS; the late read has found them.",
    hint: "Raise GRACE_MS above the longest time a writer of the DICOM service takes; `studycast resync --changed-since TIME` finds what came later still.",
  },
  FEED_ENTRY_INVALID: {
    class: "permanent",
    service: "dicom",
    message: "A change feed entry has no usable UIDs.",
    hint: "Look at the entry in the feed by its sequence; `studycast resync --study UID` syncs the study.",
  },

  DICOM_UNAVAILABLE: {
    class: "transient",
    service: "dicom",
    message: "The DICOM service does not answer, or answers with an error.",
    hint: "Nothing to do; tried again by itself.",
  },
  DICOM_THROTTLED: {
    class: "transient",
    service: "dicom",
    message: "The DICOM service asks to slow down.",
    hint: "Nothing to do; if it lasts, lower CONCURRENCY.",
  },
  DICOM_UNAUTHORIZED: {
    class: "transient",
    service: "dicom",
    message: "The DICOM service refuses the credential.",
    hint: "Grant the identity read access (Azure: DICOM Data Reader) and check DICOM_AUTH.",
  },
  DICOM_CERTIFICATE: {
    class: "transient",
    service: "dicom",
    message: "The DICOM service's TLS certificate is not accepted.",
    hint: "Use the host name in DICOM_URL that the certificate is for; an authority that Node does not know goes into the file that NODE_EXTRA_CA_CERTS names.",
  },
  DICOM_REFUSED: {
    class: "permanent",
    service: "dicom",
    message: "The DICOM service refuses to read the study.",
    hint: "Try the study's metadata by hand; then `studycast retry --study UID`.",
  },
  DICOM_RESPONSE: {
    class: "transient",
    service: "dicom",
    message: "The answer is not DICOM JSON.",
    hint: "Check that DICOM_URL names the DICOM service itself and no proxy's page.",
  },
  STUDY_TOO_LARGE: {
    class: "permanent",
    service: "dicom",
    message: "The study has more instances or more metadata than the limits allow.",
    hint: "If it is meant to be so large: raise DICOM_MAX_STUDY_INSTANCES or DICOM_MAX_STUDY_BYTES (1.5 kB of memory per instance), then `studycast retry --study UID`.",
  },
  INSTANCE_UNREADABLE: {
    class: "permanent",
    service: "dicom",
    message: "The metadata of one instance cannot be read; the rest of the study is synced.",
    hint: "Store the instance again, or have its metadata repaired.",
  },
  INSTANCE_INVALID: {
    class: "permanent",
    service: "dicom",
    message: "An instance cannot be represented in FHIR; the rest of the study is synced.",
    hint: "Correct the attribute named in the DICOM service.",
  },
  MAPPING_MODULE_FAILED: {
    class: "permanent",
    message: "The module of MAPPING_MODULE failed for this study, or gave resources that are not of this study.",
    hint: "Correct the module (docs/site-rules.md), start again, then `studycast retry --study UID`.",
  },
  STUDY_VANISHED: {
    class: "permanent",
    service: "dicom",
    message: "The study is not in the DICOM service, but the feed has told of no deletion.",
    hint: "If it is really gone: `studycast resync --study UID --confirm-deletes`.",
  },

  FHIR_UNAVAILABLE: {
    class: "transient",
    service: "fhir",
    outcomeUnknown: true,
    message: "The FHIR server does not answer, or answers with an error.",
    hint: "Nothing to do; tried again by itself.",
  },
  FHIR_THROTTLED: {
    class: "transient",
    service: "fhir",
    message: "The FHIR server asks to slow down.",
    hint: "Nothing to do; if it lasts, lower CONCURRENCY.",
  },
  FHIR_UNAUTHORIZED: {
    class: "transient",
    service: "fhir",
    message: "The FHIR server refuses the credential.",
    hint: "Grant the identity write access (Azure: FHIR Data Contributor) and check FHIR_AUTH.",
  },
  FHIR_CERTIFICATE: {
    class: "transient",
    service: "fhir",
    message: "The FHIR server's TLS certificate is not accepted.",
    hint: "Use the host name in FHIR_URL that the certificate is for; an authority that Node does not know goes into the file that NODE_EXTRA_CA_CERTS names.",
  },
  FHIR_CONFLICT: {
    class: "transient",
    service: "fhir",
    message: "Somebody else wrote the same resource at the same time.",
    hint: "Nothing to do; tried again by itself.",
  },
  FHIR_REJECTED: {
    class: "permanent",
    service: "fhir",
    message: "The FHIR server refuses the resource.",
    hint: "See the status and issue codes kept with the study; correct the server's rules or the data, then `studycast retry --study UID`.",
  },
  FHIR_RESPONSE: {
    class: "transient",
    service: "fhir",
    outcomeUnknown: true,
    message: "The answer is not FHIR JSON.",
    hint: "Check that FHIR_URL names the FHIR server's base and no proxy's page.",
  },
  FHIR_NOT_FHIR: {
    class: "permanent",
    service: "fhir",
    message: "There is no FHIR server at this URL.",
    hint: "FHIR_URL is the server's base, such as https://host/fhir.",
  },
  FHIR_VERSION: {
    class: "permanent",
    service: "fhir",
    message: "The FHIR server speaks neither R4 nor R5.",
    hint: "Point FHIR_URL at an R4 (4.0.1, 4.3.0) or R5 (5.0.0) server, or set FHIR_VERSION if what it states is wrong.",
  },
  FHIR_NO_UPDATE_CREATE: {
    class: "permanent",
    service: "fhir",
    message: "The FHIR server does not let clients choose ids (update as create).",
    hint: "Allow it (HAPI: client ids; Azure allows it always), or use another server.",
  },
  FHIR_NO_TRANSACTION: {
    class: "permanent",
    service: "fhir",
    message: "The FHIR server does not offer transactions.",
    hint: "Allow them, or use another server.",
  },
  PATIENT_AMBIGUOUS: {
    class: "waiting",
    service: "fhir",
    message: "Several Patients carry the identifier of the study's patient.",
    hint: "Merge them in the FHIR server (Patient.link replaced-by is followed); the studies go on by themselves.",
  },
  STUDY_AMBIGUOUS: {
    class: "waiting",
    service: "fhir",
    message: "Several resources of ours stand for one study.",
    hint: "Delete the one too many in the FHIR server; the study goes on by itself.",
  },
  ISSUER_UNKNOWN: {
    class: "waiting",
    message: "The patient ID's issuer is in no ISSUER_SYSTEMS entry and there is no PATIENT_ID_SYSTEM.",
    hint: "Add the issuer to ISSUER_SYSTEMS, or set PATIENT_ID_SYSTEM; the studies go on by themselves.",
  },

  WORKER_DIED: {
    class: "permanent",
    message: "The process died several times while it synced this study.",
    hint: "Look for out-of-memory kills; then `studycast retry --study UID`.",
  },
  ABORTED: {
    class: "transient",
    outcomeUnknown: true,
    message: "The sync was stopped before its end.",
    hint: "Nothing to do; tried again by itself.",
  },
  INTERNAL: {
    class: "permanent",
    message: "An error that should not happen.",
    hint: "Please report it with the log line; then `studycast retry --study UID`.",
  },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ERRORS;

/** Facts that may be shown to anybody: numbers, UIDs, status codes, option names; never a patient's data, a server's text or a credential. */
export type SafeDetail = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** An error with a code of the table above. Its message is built from the table and the safe detail only; the cause is kept for the debugger and never printed. */
export class StudycastError extends Error {
  readonly code: ErrorCode;
  readonly detail: SafeDetail;
  /** How long the server asked to wait, in milliseconds (Retry-After), when it did. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    detail: SafeDetail = {},
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(errorText(code, detail), { cause: options.cause });
    this.name = "StudycastError";
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** `CODE: message (name value, …)`, one line. */
export function errorText(code: ErrorCode, detail: SafeDetail = {}): string {
  const facts = Object.entries(detail).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(",") : String(value)}`,
  );
  return `${code}: ${ERRORS[code].message}${facts.length > 0 ? ` (${facts.join("; ")})` : ""}`;
}

/** The row of a code with all members, for readers that must not know which codes leave some out. */
export function errorRow(code: ErrorCode): Row {
  return ERRORS[code];
}

/** Any thrown value as a StudycastError: ours as it is, an abort as ABORTED, everything else as INTERNAL. */
export function toStudycastError(thrown: unknown): StudycastError {
  if (thrown instanceof StudycastError) return thrown;
  const name = typeof thrown === "object" && thrown !== null && "name" in thrown ? String(thrown.name) : "";
  if (name === "AbortError") return new StudycastError("ABORTED", {}, { cause: thrown });
  return new StudycastError("INTERNAL", { kind: name || typeof thrown }, { cause: thrown });
}

/** Whether Node's code of a failed connection says that the server's TLS certificate was not accepted (Node.js tls, "X509 certificate error codes"). */
export function isCertificateTrouble(code: string): boolean {
  return /CERT|^UNABLE_TO_(VERIFY|GET_ISSUER|GET_CRL|DECODE_ISSUER)|^HOSTNAME_MISMATCH$|^INVALID_(CA|PURPOSE)$/.test(
    code,
  );
}
