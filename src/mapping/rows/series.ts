import { NOT_LISTED_URL } from "../identity.ts";
import { type MappingRow, WHOLE } from "./row.ts";

export const SERIES_ROWS: readonly MappingRow[] = [
  {
    target: "ImagingStudy.series.uid",
    tags: ["SeriesInstanceUID"],
    rule: "Padding removed; not a UID or longer than 64 characters: the instance is rejected, the rest of the study stands",
    ownership: WHOLE,
    source: "PS3.5 §9; R4",
  },
  {
    target: "ImagingStudy.series.extension",
    slice: "instances not listed",
    tags: [],
    rule: `\`${NOT_LISTED_URL}\`, unsignedInt: how many plain images are counted but not listed, in studies of more than INSTANCE_LIST_LIMIT instances`,
    ownership: { kind: "items", owner: { by: "url", url: NOT_LISTED_URL } },
    source: "studycast",
  },
  {
    target: "ImagingStudy.series.number",
    tags: ["SeriesNumber"],
    rule: "A whole number from 0 to 2147483647, else left out; never made up",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.series.modality",
    tags: ["Modality", "SOPClassUID"],
    rule: "Upper case, code of DCM; a term that DCM lacks is display only; absent: implied by the SOP class, else data-absent-reason",
    ownership: WHOLE,
    source: "PS3.16 CID 33; R4",
  },
  {
    target: "ImagingStudy.series.description",
    tags: ["SeriesDescription", "ProtocolName", "SeriesDescriptionCodeSequence"],
    rule: "The first of these that has a value",
    ownership: WHOLE,
    source: "PS3.3 C.7.3.1; R4",
  },
  {
    target: "ImagingStudy.series.numberOfInstances",
    tags: [],
    rule: "Counted: what was read",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.series.bodySite",
    tags: ["AnatomicRegionSequence", "FrameAnatomySequence", "BodyPartExamined"],
    rule: "The coded region (SNOMED CT, or SNOMED RT translated), else the frames' region, else Body Part Examined by Annex L or an alias, else display only",
    ownership: WHOLE,
    source: "PS3.16 Annex L; R4",
  },
  {
    target: "ImagingStudy.series.laterality",
    tags: ["Laterality", "ImageLaterality", "FrameLaterality"],
    rule: "Series, else image, else frames; left and right in one series is both",
    ownership: WHOLE,
    source: "PS3.16 CID 244; R4",
  },
  {
    target: "ImagingStudy.series.started",
    tags: [
      "SeriesDate",
      "SeriesTime",
      "PerformedProcedureStepStartDate",
      "AcquisitionDateTime",
      "AcquisitionDate",
      "TimezoneOffsetFromUTC",
    ],
    rule: "As the study's; without a series date the earliest acquisition, else the start of the performed procedure step",
    ownership: WHOLE,
    source: "PS3.3 C.7.3.1; R4",
  },
];
