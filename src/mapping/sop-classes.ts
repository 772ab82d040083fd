/**
 * Storage SOP classes (PS3.4 table B.5-1, PS3.6 table A-1): name, what kind of object it is, and the modality its instances have by definition
 * where there is one. The kind decides which attribute is the instance's title and whether it is listed in a study above the listing threshold.
 */
export type ObjectKind = "image" | "report" | "key-object" | "presentation" | "segmentation" | "document" | "other";

export type SopClass = { uid: string; name: string; kind: ObjectKind; modality: string | undefined };

const ROOT = "1.2.840.10008.5.1.4.1.1.";

/** Below the root: `suffix|name|kind (empty: image)|modality`. */
const TABLE = `
1|Computed Radiography Image Storage||CR
1.1|Digital X-Ray Image Storage - For Presentation||DX
1.1.1|Digital X-Ray Image Storage - For Processing||DX
1.2|Digital Mammography X-Ray Image Storage - For Presentation||MG
1.2.1|Digital Mammography X-Ray Image Storage - For Processing||MG
1.3|Digital Intra-Oral X-Ray Image Storage - For Presentation||IO
1.3.1|Digital Intra-Oral X-Ray Image Storage - For Processing||IO
2|CT Image Storage||CT
2.1|Enhanced CT Image Storage||CT
2.2|Legacy Converted Enhanced CT Image Storage||CT
3|Ultrasound Multi-frame Image Storage||US
3.1|Ultrasound Multi-frame Image Storage||US
4|MR Image Storage||MR
4.1|Enhanced MR Image Storage||MR
4.2|MR Spectroscopy Storage||MR
4.3|Enhanced MR Color Image Storage||MR
4.4|Legacy Converted Enhanced MR Image Storage||MR
5|Nuclear Medicine Image Storage||NM
6|Ultrasound Image Storage||US
6.1|Ultrasound Image Storage||US
6.2|Enhanced US Volume Storage||US
6.3|Photoacoustic Image Storage||PA
7|Secondary Capture Image Storage||
7.1|Multi-frame Single Bit Secondary Capture Image Storage||
7.2|Multi-frame Grayscale Byte Secondary Capture Image Storage||
7.3|Multi-frame Grayscale Word Secondary Capture Image Storage||
7.4|Multi-frame True Color Secondary Capture Image Storage||
8|Standalone Overlay Storage|other|
9|Standalone Curve Storage|other|
9.1|Waveform Storage - Trial|other|
9.1.1|12-lead ECG Waveform Storage|other|ECG
9.1.2|General ECG Waveform Storage|other|ECG
9.1.3|Ambulatory ECG Waveform Storage|other|ECG
9.1.4|General 32-bit ECG Waveform Storage|other|ECG
9.2.1|Hemodynamic Waveform Storage|other|HD
9.3.1|Cardiac Electrophysiology Waveform Storage|other|EPS
9.4.1|Basic Voice Audio Waveform Storage|other|AU
9.4.2|General Audio Waveform Storage|other|AU
9.5.1|Arterial Pulse Waveform Storage|other|
9.6.1|Respiratory Waveform Storage|other|RESP
9.6.2|Multi-channel Respiratory Waveform Storage|other|RESP
9.7.1|Routine Scalp Electroencephalogram Waveform Storage|other|EEG
9.7.2|Electromyogram Waveform Storage|other|EMG
9.7.3|Electrooculogram Waveform Storage|other|EOG
9.7.4|Sleep Electroencephalogram Waveform Storage|other|EEG
9.8.1|Body Position Waveform Storage|other|POS
10|Standalone Modality LUT Storage|other|
11|Standalone VOI LUT Storage|other|
11.1|Grayscale Softcopy Presentation State Storage|presentation|PR
11.2|Color Softcopy Presentation State Storage|presentation|PR
11.3|Pseudo-Color Softcopy Presentation State Storage|presentation|PR
11.4|Blending Softcopy Presentation State Storage|presentation|PR
11.5|XA/XRF Grayscale Softcopy Presentation State Storage|presentation|PR
11.6|Grayscale Planar MPR Volumetric Presentation State Storage|presentation|PR
11.7|Compositing Planar MPR Volumetric Presentation State Storage|presentation|PR
11.8|Advanced Blending Presentation State Storage|presentation|PR
11.9|Volume Rendering Volumetric Presentation State Storage|presentation|PR
11.10|Segmented Volume Rendering Volumetric Presentation State Storage|presentation|PR
11.11|Multiple Volume Rendering Volumetric Presentation State Storage|presentation|PR
11.12|Variable Modality LUT Softcopy Presentation State Storage|presentation|PR
12.1|X-Ray Angiographic Image Storage||XA
12.1.1|Enhanced XA Image Storage||XA
12.2|X-Ray Radiofluoroscopic Image Storage||RF
12.2.1|Enhanced XRF Image Storage||RF
12.3|X-Ray Angiographic Bi-Plane Image Storage||XA
13.1.1|X-Ray 3D Angiographic Image Storage||XA
13.1.2|X-Ray 3D Craniofacial Image Storage||DX
13.1.3|Breast Tomosynthesis Image Storage||MG
13.1.4|Breast Projection X-Ray Image Storage - For Presentation||MG
13.1.5|Breast Projection X-Ray Image Storage - For Processing||MG
14.1|Intravascular Optical Coherence Tomography Image Storage - For Presentation||IVOCT
14.2|Intravascular Optical Coherence Tomography Image Storage - For Processing||IVOCT
20|Nuclear Medicine Image Storage||NM
30|Parametric Map Storage||
66|Raw Data Storage||
66.1|Spatial Registration Storage|other|REG
66.2|Spatial Fiducials Storage|other|FID
66.3|Deformable Spatial Registration Storage|other|REG
66.4|Segmentation Storage|segmentation|SEG
66.5|Surface Segmentation Storage|segmentation|SEG
66.6|Tractography Results Storage|other|
67|Real World Value Mapping Storage|other|RWV
68.1|Surface Scan Mesh Storage|other|M3D
68.2|Surface Scan Point Cloud Storage|other|
77.1|VL Image Storage - Trial||
77.2|VL Multi-frame Image Storage - Trial||
77.1.1|VL Endoscopic Image Storage||ES
77.1.1.1|Video Endoscopic Image Storage||ES
77.1.2|VL Microscopic Image Storage||GM
77.1.2.1|Video Microscopic Image Storage||GM
77.1.3|VL Slide-Coordinates Microscopic Image Storage||SM
77.1.4|VL Photographic Image Storage||XC
77.1.4.1|Video Photographic Image Storage||XC
77.1.5.1|Ophthalmic Photography 8 Bit Image Storage||OP
77.1.5.2|Ophthalmic Photography 16 Bit Image Storage||OP
77.1.5.3|Stereometric Relationship Storage|other|SMR
77.1.5.4|Ophthalmic Tomography Image Storage||OPT
77.1.5.5|Wide Field Ophthalmic Photography Stereographic Projection Image Storage||OP
77.1.5.6|Wide Field Ophthalmic Photography 3D Coordinates Image Storage||OP
77.1.5.7|Ophthalmic Optical Coherence Tomography En Face Image Storage||OPT
77.1.5.8|Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage||OPTBSV
77.1.6|VL Whole Slide Microscopy Image Storage||SM
77.1.7|Dermoscopic Photography Image Storage||DMS
77.1.8|Confocal Microscopy Image Storage||
77.1.9|Confocal Microscopy Tiled Pyramidal Image Storage||
78.1|Lensometry Measurements Storage|other|LEN
78.2|Autorefraction Measurements Storage|other|AR
78.3|Keratometry Measurements Storage|other|KER
78.4|Subjective Refraction Measurements Storage|other|SRF
78.5|Visual Acuity Measurements Storage|other|VA
78.6|Spectacle Prescription Report Storage|other|
78.7|Ophthalmic Axial Measurements Storage|other|OAM
78.8|Intraocular Lens Calculations Storage|other|IOL
79.1|Macular Grid Thickness and Volume Report Storage|other|
80.1|Ophthalmic Visual Field Static Perimetry Measurements Storage|other|OPV
81.1|Ophthalmic Thickness Map Storage||OPM
82.1|Corneal Topography Map Storage||OPM
88.1|Text SR Storage - Trial|report|SR
88.2|Audio SR Storage - Trial|report|SR
88.3|Detail SR Storage - Trial|report|SR
88.4|Comprehensive SR Storage - Trial|report|SR
88.11|Basic Text SR Storage|report|SR
88.22|Enhanced SR Storage|report|SR
88.33|Comprehensive SR Storage|report|SR
88.34|Comprehensive 3D SR Storage|report|SR
88.35|Extensible SR Storage|report|SR
88.40|Procedure Log Storage|report|SR
88.50|Mammography CAD SR Storage|report|SR
88.59|Key Object Selection Document Storage|key-object|KO
88.65|Chest CAD SR Storage|report|SR
88.67|X-Ray Radiation Dose SR Storage|report|SR
88.68|Radiopharmaceutical Radiation Dose SR Storage|report|SR
88.69|Colon CAD SR Storage|report|SR
88.70|Implantation Plan SR Storage|report|SR
88.71|Acquisition Context SR Storage|report|SR
88.72|Simplified Adult Echo SR Storage|report|SR
88.73|Patient Radiation Dose SR Storage|report|SR
88.74|Planned Imaging Agent Administration SR Storage|report|SR
88.75|Performed Imaging Agent Administration SR Storage|report|SR
88.76|Enhanced X-Ray Radiation Dose SR Storage|report|SR
88.77|Waveform Annotation SR Storage|report|SR
90.1|Content Assessment Results Storage|other|ASMT
91.1|Microscopy Bulk Simple Annotations Storage|other|ANN
104.1|Encapsulated PDF Storage|document|DOC
104.2|Encapsulated CDA Storage|document|DOC
104.3|Encapsulated STL Storage|document|M3D
104.4|Encapsulated OBJ Storage|document|M3D
104.5|Encapsulated MTL Storage|document|M3D
128|Positron Emission Tomography Image Storage||PT
128.1|Legacy Converted Enhanced PET Image Storage||PT
129|Standalone PET Curve Storage|other|PT
130|Enhanced PET Image Storage||PT
131|Basic Structured Display Storage|other|
200.1|CT Defined Procedure Protocol Storage|other|CTPROTOCOL
200.2|CT Performed Procedure Protocol Storage|other|CTPROTOCOL
200.3|Protocol Approval Storage|other|
200.7|XA Defined Procedure Protocol Storage|other|XAPROTOCOL
200.8|XA Performed Procedure Protocol Storage|other|XAPROTOCOL
201.1|Inventory Storage|other|
481.1|RT Image Storage||RTIMAGE
481.2|RT Dose Storage|other|RTDOSE
481.3|RT Structure Set Storage|other|RTSTRUCT
481.4|RT Beams Treatment Record Storage|other|RTRECORD
481.5|RT Plan Storage|other|RTPLAN
481.6|RT Brachy Treatment Record Storage|other|RTRECORD
481.7|RT Treatment Summary Record Storage|other|RTRECORD
481.8|RT Ion Plan Storage|other|RTPLAN
481.9|RT Ion Beams Treatment Record Storage|other|RTRECORD
481.10|RT Physician Intent Storage|other|RTINTENT
481.11|RT Segment Annotation Storage|other|RTSEGANN
481.12|RT Radiation Set Storage|other|RTRAD
481.13|C-Arm Photon-Electron Radiation Storage|other|RTRAD
481.14|Tomotherapeutic Radiation Storage|other|RTRAD
481.15|Robotic-Arm Radiation Storage|other|RTRAD
481.16|RT Radiation Record Set Storage|other|RTRECORD
481.17|RT Radiation Salvage Record Storage|other|RTRECORD
481.18|Tomotherapeutic Radiation Record Storage|other|RTRECORD
481.19|C-Arm Photon-Electron Radiation Record Storage|other|RTRECORD
481.20|Robotic Radiation Record Storage|other|RTRECORD
481.21|RT Radiation Set Delivery Instruction Storage|other|
481.22|RT Treatment Preparation Storage|other|
481.23|Enhanced RT Image Storage||RTIMAGE
481.24|Enhanced Continuous RT Image Storage||RTIMAGE
481.25|RT Patient Position Acquisition Instruction Storage|other|
`;

function parseTable(): Map<string, SopClass> {
  const classes = new Map<string, SopClass>();
  for (const line of TABLE.trim().split("\n")) {
    const [suffix = "", name = "", kind = "", modality = ""] = line.split("|");
    const uid = ROOT + suffix;
    classes.set(uid, { uid, name, kind: (kind || "image") as ObjectKind, modality: modality || undefined });
  }
  return classes;
}

export const SOP_CLASSES: ReadonlyMap<string, SopClass> = parseTable();

/** The kind of an object; a private or unknown class counts as an image, because that is what fills big studies. */
export function objectKind(sopClassUid: string | undefined): ObjectKind {
  return (sopClassUid === undefined ? undefined : SOP_CLASSES.get(sopClassUid)?.kind) ?? "image";
}
