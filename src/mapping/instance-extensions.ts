/** What IHE MADO says of an instance in extensions; written only when asked for, because each costs as many bytes as the instance's entry. */
import type { Coding, Extension } from "fhir/r4";
import { codeContext, readCodings } from "./codes.ts";
import { type Dataset, items, unsignedInt } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import type { ObjectKind } from "./sop-classes.ts";

const MADO = "https://profiles.ihe.net/RAD/MADO/StructureDefinition/";
export const FRAMES_URL = `${MADO}MadoNumberOfFrames`;
export const KEY_OBJECT_TITLE_URL = `${MADO}MadoKeyObjectDocumentTitle`;

/** Number of Frames (0028,0008) of a multi-frame object, the coded title of a key object (PS3.16 CID 7010). */
export type InstanceDetails = { frames: number | undefined; keyObjectTitle: readonly Coding[] | undefined };

const NO_DETAILS: InstanceDetails = Object.freeze({ frames: undefined, keyObjectTitle: undefined });

/** Nothing but what is asked for, the same object wherever there is nothing. */
export function readDetails(dataset: Dataset, kind: ObjectKind, options: MappingOptions, note: Note): InstanceDetails {
  const { include } = options;
  if (include === undefined) return NO_DETAILS;
  if (kind === "key-object") {
    const [concept] = include.has("key-object-title") ? items(dataset, "ConceptNameCodeSequence", note) : [];
    const title = concept === undefined ? [] : readCodings(concept, codeContext(dataset, options, note), note);
    return title.length === 0 ? NO_DETAILS : { frames: undefined, keyObjectTitle: title };
  }
  const frames = include.has("frame-count") ? unsignedInt(dataset, "NumberOfFrames", note) : undefined;
  return frames === undefined ? NO_DETAILS : { frames, keyObjectTitle: undefined };
}

export function instanceExtensions({ frames, keyObjectTitle }: InstanceDetails): Extension[] {
  return [
    ...(frames === undefined ? [] : [{ url: FRAMES_URL, valueInteger: frames }]),
    ...(keyObjectTitle === undefined
      ? []
      : [{ url: KEY_OBJECT_TITLE_URL, valueCodeableConcept: { coding: [...keyObjectTitle] } }]),
  ];
}
