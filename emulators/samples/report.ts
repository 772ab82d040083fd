// A short radiology report as Enhanced SR (PS3.3 A.35.2) after TID 2000: title, observer, findings, one measurement, conclusion.
import { code, type Dataset, el, personName } from "./dataset.ts";

type Item = { relation: string; type: string; name: Dataset };

const item = ({ relation, type, name }: Item, content: Dataset): Dataset => ({
  "0040A010": el("CS", relation),
  "0040A040": el("CS", type),
  "0040A043": el("SQ", name),
  ...content,
});

const section = (name: Dataset, ...children: readonly Dataset[]): Dataset =>
  item(
    { relation: "CONTAINS", type: "CONTAINER", name },
    { "0040A050": el("CS", "SEPARATE"), "0040A730": el("SQ", ...children) },
  );

const sentence = (text: string): Dataset =>
  item({ relation: "CONTAINS", type: "TEXT", name: code("121071", "DCM", "Finding") }, { "0040A160": el("UT", text) });

const millimetres = (value: number): Dataset =>
  item(
    { relation: "CONTAINS", type: "NUM", name: code("103339001", "SCT", "Long Axis") },
    {
      "0040A300": el("SQ", {
        "0040A30A": el("DS", value),
        "004008EA": el("SQ", code("mm", "UCUM", "millimeter")),
      }),
    },
  );

/** SR document modules of the study's report, without patient, study and series. */
export function reportContent(study: { date: string; time: string }): Dataset {
  return {
    "00081111": el("SQ"),
    "0040A040": el("CS", "CONTAINER"),
    "0040A043": el("SQ", code("18748-4", "LN", "Diagnostic imaging report")),
    "0040A050": el("CS", "SEPARATE"),
    "0040A372": el("SQ"),
    "0040A491": el("CS", "COMPLETE"),
    "0040A493": el("CS", "VERIFIED"),
    "0040A073": el("SQ", {
      "0040A027": el("LO", "Example Hospital"),
      "0040A030": el("DT", `${study.date}${study.time}+0100`),
      "0040A075": el("PN", personName("Weiss^Ada")),
      "0040A088": el("SQ"),
    }),
    "0040A730": el(
      "SQ",
      item(
        { relation: "HAS OBS CONTEXT", type: "PNAME", name: code("121008", "DCM", "Person Observer Name") },
        { "0040A123": el("PN", personName("Weiss^Ada")) },
      ),
      section(code("121070", "DCM", "Findings"), sentence("Nodule in the right upper lobe."), millimetres(8.5)),
      section(code("121076", "DCM", "Conclusions"), sentence("Follow-up CT advised.")),
    ),
  };
}
