/** Every error code has a test that provokes it through the real command line: this table says which; it fails when a code, a file or a test is missing. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { docsPages } from "../../scripts/docs-pages.ts";
import { ERRORS, type ErrorCode } from "../../src/errors.ts";

const START = "test/errors/start.test.ts";
const WORK = "test/errors/work.test.ts";
const MISUSE = "test/misuse/start.test.ts";
const COMMANDS = "test/misuse/commands.test.ts";
const STATE = "test/cli/state-commands.test.ts";

/** Code → file and (the beginning of) the test's name. */
const PROVOKED: Readonly<Record<ErrorCode, readonly [file: string, name: string]>> = {
  CONFIG_INVALID: [MISUSE, "a missing option is named"],
  AUTH_FAILED: [START, "AUTH_FAILED"],
  HTTP_ADDRESS_IN_USE: [START, "HTTP_ADDRESS_IN_USE"],
  HTTP_ADDRESS_INVALID: [START, "HTTP_ADDRESS_INVALID"],
  REDIS_UNAVAILABLE: [WORK, "REDIS_FULL, REDIS_UNAVAILABLE"],
  REDIS_UNAUTHORIZED: [START, "REDIS_UNAUTHORIZED"],
  REDIS_CERTIFICATE: [START, "REDIS_CERTIFICATE"],
  REDIS_MISSING: [START, "REDIS_MISSING"],
  REDIS_IN_USE: [START, "REDIS_IN_USE"],
  REDIS_NOT_STARTED: [STATE, "with no Redis to be found"],
  REDIS_VERSION: [START, "REDIS_VERSION"],
  REDIS_EVICTION: [MISUSE, "a Redis that evicts keys is refused"],
  REDIS_PERSISTENCE: [START, "REDIS_PERSISTENCE"],
  REDIS_FULL: [WORK, "REDIS_FULL"],
  STATE_UNREADABLE: [STATE, "a stored checkpoint that cannot be read"],
  STATE_LAYOUT: [START, "STATE_LAYOUT"],
  STATE_IDENTITY: [MISUSE, "a changed PATIENT_ID_SYSTEM is refused"],
  STATE_SOURCE: [MISUSE, "a second DICOM service under the same SOURCE_ID"],
  STATE_LOST: [MISUSE, "FEED_START=now with the state lost"],
  FEED_UNAVAILABLE: [MISUSE, "%s unreachable at the start"],
  FEED_THROTTLED: [START, "FEED_THROTTLED"],
  FEED_UNAUTHORIZED: [START, "FEED_THROTTLED, FEED_UNAUTHORIZED"],
  FEED_NOT_FOUND: [MISUSE, "a service without a change feed is refused"],
  FEED_RESPONSE: [START, "FEED_THROTTLED, FEED_UNAUTHORIZED, FEED_RESPONSE"],
  FEED_RESET: [MISUSE, "a feed that ends before the checkpoint"],
  FEED_LATE: ["test/changefeed/late-entries.test.ts", "an entry committed after the grace period is neither lost no"],
  FEED_ENTRY_INVALID: [COMMANDS, "an entry and an instance that make no sense"],
  DICOM_UNAVAILABLE: [WORK, "%s: the studies wait"],
  DICOM_THROTTLED: [WORK, "%s: the studies wait"],
  DICOM_UNAUTHORIZED: [WORK, "%s: the studies wait"],
  DICOM_CERTIFICATE: [START, "REDIS_CERTIFICATE, DICOM_CERTIFICATE"],
  DICOM_REFUSED: [WORK, "%s: the study fails"],
  DICOM_RESPONSE: [WORK, "%s: the studies wait"],
  STUDY_TOO_LARGE: ["test/hostile/studies.test.ts", "studies without end"],
  INSTANCE_UNREADABLE: [WORK, "INSTANCE_INVALID, INSTANCE_UNREADABLE"],
  INSTANCE_INVALID: [WORK, "INSTANCE_INVALID"],
  MAPPING_MODULE_FAILED: ["test/site-rules/pipeline.test.ts", "MAPPING_MODULE_FAILED"],
  STUDY_VANISHED: [COMMANDS, "a study that left the DICOM service without a word"],
  FHIR_UNAVAILABLE: [WORK, "%s: the studies wait"],
  FHIR_THROTTLED: [WORK, "%s: the studies wait"],
  FHIR_UNAUTHORIZED: [WORK, "%s: the studies wait"],
  FHIR_CERTIFICATE: [START, "REDIS_CERTIFICATE, DICOM_CERTIFICATE, FHIR_CERTIFICATE"],
  FHIR_CONFLICT: [WORK, "%s: the studies wait"],
  FHIR_REJECTED: [WORK, "%s: the study fails"],
  FHIR_RESPONSE: [WORK, "%s: the studies wait"],
  FHIR_NOT_FHIR: [MISUSE, "a web page where FHIR should be is refused"],
  FHIR_VERSION: [MISUSE, "a FHIR server of another version"],
  FHIR_NO_UPDATE_CREATE: [MISUSE, "a FHIR server of another version, or without update-as-create"],
  FHIR_NO_TRANSACTION: [START, "FHIR_NO_TRANSACTION"],
  PATIENT_AMBIGUOUS: [WORK, "PATIENT_AMBIGUOUS"],
  STUDY_AMBIGUOUS: [WORK, "PATIENT_AMBIGUOUS, STUDY_AMBIGUOUS"],
  ISSUER_UNKNOWN: [WORK, "ISSUER_UNKNOWN"],
  WORKER_DIED: [WORK, "WORKER_DIED"],
  ABORTED: [START, "ABORTED"],
  INTERNAL: [WORK, "INTERNAL"],
};

const text = (path: string) => readFileSync(resolve(import.meta.dirname, "../..", path), "utf8");

describe("every error code", () => {
  test.each(Object.entries(PROVOKED))("%s is provoked by a test that runs the command line", (code, [file, name]) => {
    const source = text(file);
    expect(source).toMatch(/support\/worker-process\.ts|faults\/pipeline\.ts/);
    expect(source).toContain(code);
    expect(source.includes(`"${name}`) || source.includes(`\`${name}`)).toBe(true);
  });

  test.each(Object.entries(ERRORS))(
    "%s has a row here, a message, a hint and a line in docs/errors.md",
    (code, row) => {
      expect(Object.keys(PROVOKED)).toContain(code);
      expect([row.message, row.hint].every((sentence) => /^[A-Z`].{10,}/.test(sentence))).toBe(true);
      expect(docsPages()["docs/errors.md"]).toMatch(new RegExp(`^\\| \`${code}\` \\|.*\\| \`studycast_\\w+\``, "m"));
    },
  );
});
