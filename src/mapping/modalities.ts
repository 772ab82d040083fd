import type { Coding } from "fhir/r4";

export const DCM = "http://dicom.nema.org/resources/ontology/DCM";

type Modality = {
  name: string /** CID 29: equipment that acquires, not a product such as a report. */;
  acquires: boolean;
};

/** `code|meaning` of PS3.16 CID 29 (acquisition modalities), with the retired terms of PS3.3 C.7.3.1.1.1 that old archives hold. */
const ACQUIRING = `AR|Autorefraction;AS|Angioscopy;BDUS|Ultrasound Bone Densitometry;BI|Biomagnetic Imaging;BMD|Bone Mineral Densitometry;CD|Color flow Doppler;
CF|Cinefluorography;CFM|Confocal Microscopy;CP|Culposcopy;CR|Computed Radiography;CS|Cystoscopy;CT|Computed Tomography;DD|Duplex Doppler;DF|Digital fluoroscopy;
DG|Diaphanography;DM|Digital microscopy;DMS|Dermoscopy;DS|Digital Subtraction Angiography;DX|Digital Radiography;EC|Echocardiography;ECG|Electrocardiography;
EEG|Electroencephalography;EMG|Electromyography;EOG|Electrooculography;EPS|Cardiac Electrophysiology;ES|Endoscopy;FA|Fluorescein angiography;FS|Fundoscopy;
GM|General Microscopy;HD|Hemodynamic Waveform;IO|Intra-oral Radiography;IVOCT|Intravascular Optical Coherence Tomography;IVUS|Intravascular Ultrasound;
KER|Keratometry;LEN|Lensometry;LP|Laparoscopy;LS|Laser Scan;MA|Magnetic resonance angiography;MG|Mammography;MR|Magnetic Resonance;
MS|Magnetic resonance spectroscopy;NM|Nuclear Medicine;OAM|Ophthalmic Axial Measurements;OCT|Optical Coherence Tomography;OP|Ophthalmic Photography;
OPM|Ophthalmic Mapping;OPR|Ophthalmic Refraction;OPT|Ophthalmic Tomography;OPTBSV|Ophthalmic Tomography B-scan Volume Analysis;
OPTENF|Ophthalmic Tomography En Face;OPV|Ophthalmic Visual Field;OSS|Optical Surface Scanner;PA|Photoacoustic;POS|Position Sensor;
PT|Positron emission tomography;PX|Panoramic X-Ray;RESP|Respiratory Waveform;RF|Radiofluoroscopy;RG|Radiographic imaging;RTIMAGE|RT Image;SM|Slide Microscopy;
SRF|Subjective Refraction;ST|Single-photon emission computed tomography;TG|Thermography;US|Ultrasound;VA|Visual Acuity;VF|Videofluorography;XA|X-Ray Angiography;
XC|External-camera Photography`;

/** What CID 33 (all modalities) has beyond CID 29. */
const OTHERS = `ANN|Annotation;ASMT|Content Assessment Result;AU|Basic Voice Audio;CTPROTOCOL|CT Protocol;DOC|Document;FID|Spatial Fiducials;HC|Hard Copy;
IOL|Intraocular Lens Calculation;KO|Key Object Selection;M3D|Model for 3D Manufacturing;OT|Other;PLAN|Plan;PR|Presentation State;REG|Registration;RTDOSE|RT Dose;
RTINTENT|RT Physician Intent;RTPLAN|RT Plan;RTRAD|RT Radiation;RTRECORD|RT Treatment Record;RTSEGANN|RT Segment Annotation;RTSTRUCT|RT Structure Set;
RWV|Real World Value Map;SEG|Segmentation;SMR|Stereometric Relationship;SR|Structured Report Document;STAIN|Automated Slide Stainer;TEXTUREMAP|Texture Map;
XAPROTOCOL|XA Protocol`;

function entries(list: string, acquires: boolean): [string, Modality][] {
  return list.split(";").map((entry) => {
    const [code = "", name = ""] = entry.trim().split("|");
    return [code, { name, acquires }];
  });
}

export const MODALITIES: ReadonlyMap<string, Modality> = new Map([
  ...entries(ACQUIRING, true),
  ...entries(OTHERS, false),
]);

/** The defined terms of PS3.16 CID 33, and the retired ones. */
export const MODALITY_TERMS: readonly string[] = [...MODALITIES.keys()];

/**
 * Modality (0008,0060) as a defined term, in upper case.
 * @param site the site's own terms → defined terms
 */
export function modalityTerm(
  text: string | undefined,
  site: Readonly<Record<string, string>> = {},
): string | undefined {
  const term = text?.toUpperCase();
  return Object.entries(site).find(([own]) => own.toUpperCase() === term)?.[1] ?? term;
}

/** A code of the DCM code system; a term that is in no context group is text only, because it would be an invented code there. */
export function modalityCoding(code: string): Coding {
  const known = MODALITIES.get(code);
  return known === undefined ? { display: code } : { system: DCM, code, display: known.name };
}

/** R4's `ImagingStudy.modality`: the acquisition modalities, and all of them only if there is none of these. */
export function studyModalities(codes: Iterable<string>): string[] {
  const all = [...new Set(codes)].sort();
  const acquiring = all.filter((code) => MODALITIES.get(code)?.acquires === true);
  return acquiring.length > 0 ? acquiring : all;
}
