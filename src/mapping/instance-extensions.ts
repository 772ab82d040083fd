/** What IHE MADO says of an instance in extensions; written only when asked for, because each costs as many bytes as the instance's entry. */
import type { Coding, Extension } from "fhir/r4";
import { readAcquisition } from "./acquisition.ts";
import { codeContext, readCodings } from "./codes.ts";
import { type Dataset, items, unsignedInt } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import type { ObjectKind } from "./sop-classes.ts";

const MADO = "https://profiles.ihe.net/RAD/MADO/StructureDefinition/";
export const FRAMES_URL = `${MADO}MadoNumberOfFrames`;
export const KEY_OBJECT_TITLE_URL = `${MADO}MadoKeyObjectDocumentTitle`;

/**
 * Number of Frames (0028,0008) of a multi-frame object, the coded title of a key object (PS3.16 CID 7010), how an image was made (acquisition.ts).
 */
export type InstanceDetails = {
  frames: number | undefined;
  keyObjectTitle: readonly Coding[] | undefined;
  acquisition: string | undefined;
};

const NO_DETAILS: InstanceDetails = Object.freeze({
  frames: undefined,
  keyObjectTitle: undefined,
  acquisition: undefined,
});

/** Nothing but what is asked for, the same object wherever there is nothing. */
export function readDetails(dataset: Dataset, kind: ObjectKind, options: MappingOptions, note: Note): InstanceDetails {
  const { include } = options;
  if (include === undefined) return NO_DETAILS;
  if (kind === "key-object") {
    const [concept] = include.has("key-object-title") ? items(dataset, "ConceptNameCodeSequence", note) : [];
    const title = concept === undefined ? [] : readCodings(concept, codeContext(dataset, options, note), note);
    return title.length === 0 ? NO_DETAILS : { ...NO_DETAILS, keyObjectTitle: title };
  }
  const frames = include.has("frame-count") ? unsignedInt(dataset, "NumberOfFrames", note) : undefined;
  const acquisition = include.has("acquisition-parameters") ? readAcquisition(dataset, note) : undefined;
  return frames === undefined && acquisition === undefined ? NO_DETAILS : { ...NO_DETAILS, frames, acquisition };
}

export function instanceExtensions({ frames, keyObjectTitle }: InstanceDetails): Extension[] {
  return [
    ...(frames === undefined ? [] : [{ url: FRAMES_URL, valueInteger: frames }]),
    ...(keyObjectTitle === undefined
      ? []
      : [{ url: KEY_OBJECT_TITLE_URL, valueCodeableConcept: { coding: [...keyObjectTitle] } }]),
  ];
}
