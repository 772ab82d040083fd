export { encodeText } from "./character-set.ts";
export { code, type Dataset, type Element, el, type PersonName, personName, text, type Value } from "./dataset.ts";
export {
  type EveningStudy,
  type HospitalDayStep,
  hospitalDay,
  hospitalDayEvening,
} from "./hospital-day.ts";
export { TRANSFER_SYNTAX, type WriteOptions, writePart10 } from "./part10.ts";
export { ISSUER_SYSTEMS } from "./patients.ts";
export { type PlayOptions, type PlayProgress, playHospitalDay } from "./play.ts";
export { type FolderOptions, storeFolder } from "./store-folder.ts";
export { seededNumber, seededUid } from "./uid.ts";
