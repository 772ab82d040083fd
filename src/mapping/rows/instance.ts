import { FRAMES_URL, KEY_OBJECT_TITLE_URL } from "../instance-extensions.ts";
import { type MappingRow, WHOLE } from "./row.ts";

export const INSTANCE_ROWS: readonly MappingRow[] = [
  {
    target: "ImagingStudy.series.instance",
    tags: [
      "SOPInstanceUID",
      "ConceptNameCodeSequence",
      "CurrentRequestedProcedureEvidenceSequence",
      "PertinentOtherEvidenceSequence",
      "ReferencedSOPInstanceUID",
    ],
    rule: "One per SOP Instance UID, ordered by number, then UID; above INSTANCE_LIST_LIMIT no plain images. What a rejection note names (key object 113001, 113037, 113038 or 113039) leaves; so does the note, but for quality reasons (113001)",
    ownership: { kind: "list", key: "uid" },
    source: "R4; IHE RAD IOCM; PS3.16 CID 7010",
  },
  {
    target: "ImagingStudy.series.instance.uid",
    tags: ["SOPInstanceUID"],
    rule: "As the series' UID",
    ownership: WHOLE,
    source: "PS3.5 §9; R4",
  },
  {
    target: "ImagingStudy.series.instance.extension",
    slice: "frames",
    optIn: "frame-count",
    tags: ["NumberOfFrames"],
    rule: `\`${FRAMES_URL}\`, integer; only of instances that state it`,
    ownership: { kind: "items", owner: { by: "url", url: FRAMES_URL } },
    source: "IHE RAD MADO 1.0.0",
  },
  {
    target: "ImagingStudy.series.instance.extension",
    slice: "key object title",
    optIn: "key-object-title",
    tags: ["ConceptNameCodeSequence"],
    rule: `\`${KEY_OBJECT_TITLE_URL}\`, the code of a key object's title`,
    ownership: { kind: "items", owner: { by: "url", url: KEY_OBJECT_TITLE_URL } },
    source: "IHE RAD MADO 1.0.0; PS3.16 CID 7010",
  },
  {
    target: "ImagingStudy.series.instance.sopClass",
    tags: ["SOPClassUID"],
    rule: "`urn:oid:` + UID in `urn:ietf:rfc:3986`, the class's name as display; absent: data-absent-reason",
    ownership: WHOLE,
    source: "PS3.4 B.5; R4",
  },
  {
    target: "ImagingStudy.series.instance.number",
    tags: ["InstanceNumber"],
    rule: "As the series' number",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.series.instance.title",
    tags: ["ConceptNameCodeSequence", "DocumentTitle", "ContentLabel", "ContentDescription", "ImageType"],
    rule: "Reports and key objects: concept name; documents: title; presentation states, segmentations and other objects: label and description; images: image type",
    ownership: WHOLE,
    source: "R4",
  },
];
