/**
 * A FHIR server may take studies and refuse what they refer to: no right to write Devices, a rule of its own. Such a resource only supports a study, so
 * the study is written without it: once more, with logical references in its place.
 */
import { StudycastError } from "./errors.ts";
import type { Plan } from "./fhir/index.ts";
import { SUPPORTING_TYPES } from "./mapping/index.ts";

/** Why the server refused the supporting resources, when the study was written without them. */
export type Refused = { refused?: StudycastError };

/**
 * Writes what is planned; when it is refused and holds supporting resources, what is planned without them.
 * @throws what `write` throws, of the second time if there is one
 */
export async function unlessRefused<T extends object>(
  plan: Plan,
  planWithout: () => Plan,
  write: (plan: Plan) => Promise<T>,
): Promise<T & Refused> {
  try {
    return await write(plan);
  } catch (error) {
    if (!isRefusal(error) || !writesSupporting(plan)) throw error;
    return { ...(await write(planWithout())), refused: error };
  }
}

/** The server's last word on what was sent. A transaction is refused as a whole, mostly without saying for which entry. */
function isRefusal(error: unknown): error is StudycastError {
  if (!(error instanceof StudycastError)) return false;
  return error.code === "FHIR_REJECTED" || (error.code === "FHIR_UNAUTHORIZED" && error.detail["status"] === 403);
}

function writesSupporting(plan: Plan): boolean {
  const types: readonly string[] = SUPPORTING_TYPES;
  return plan.kind === "write" && plan.writes.some(({ resource }) => types.includes(resource.resourceType));
}
