/**
 * What the FHIR build (R6) is known to change in the elements we write, as data: nothing is written by it yet, because R6 is not published. A writer
 * for it begins as a copy of write-r5.ts with these differences.
 */
export const R6_DIFFERENCES = [
  {
    target: "ImagingStudy.series.instance.sopClass",
    r5: "Coding, system `urn:ietf:rfc:3986`, code `urn:oid:` + UID",
    r6: "oid: `urn:oid:` + UID; a UID with a leading zero in a component is no oid",
  },
  { target: "ImagingStudy.status", r5: "five codes", r6: "`inactive` besides" },
  { target: "ImagingStudy.basedOn", r5: "AppointmentResponse allowed", r6: "AppointmentResponse no longer" },
] as const satisfies readonly { target: string; r5: string; r6: string }[];
