/** Attributes the service searches and returns by itself (contract §4.2); tags are 8 upper-case hex digits. */
export const tag = {
  sopClass: "00080016",
  sopInstance: "00080018",
  studyDate: "00080020",
  accessionNumber: "00080050",
  modality: "00080060",
  modalitiesInStudy: "00080061",
  referringPhysicianName: "00080090",
  studyDescription: "00081030",
  modelName: "00081090",
  patientName: "00100010",
  patientId: "00100020",
  birthDate: "00100030",
  study: "0020000D",
  series: "0020000E",
  studyInstances: "00201206",
  seriesInstances: "00201209",
  stepStartDate: "00400244",
} as const;

export const studyFilters: readonly string[] = [
  tag.study,
  tag.studyDate,
  tag.studyDescription,
  tag.accessionNumber,
  tag.patientId,
  tag.patientName,
  tag.referringPhysicianName,
  tag.birthDate,
  tag.modalitiesInStudy,
];
export const seriesFilters: readonly string[] = [tag.series, tag.modality, tag.stepStartDate, tag.modelName];
export const instanceFilters: readonly string[] = [tag.sopInstance];

/** Searchable attributes that are stored with the instance. */
export const indexedTags: readonly string[] = [...studyFilters, ...seriesFilters, ...instanceFilters].filter(
  (item) => item !== tag.modalitiesInStudy,
);
