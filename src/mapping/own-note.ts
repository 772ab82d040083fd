import { OWN_NOTE_URL } from "./identity.ts";

/** The study description as a note (an Annotation of R4 and of R5), marked as ours. */
export function ownNote(text: string) {
  return { extension: [{ url: OWN_NOTE_URL, valueCode: "study-description" }], text };
}
