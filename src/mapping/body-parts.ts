import type { Coding } from "fhir/r4";
import { BODY_PARTS, type BodyPart } from "./body-part-table.ts";
import { SNOMED } from "./laterality.ts";
import { SNOMED_RT_CODES } from "./snomed-rt-table.ts";

/** What modalities and technologists write instead of the defined terms. Only where the meaning is beyond doubt. */
const ALIASES: Readonly<Record<string, string>> = {
  ABD: "ABDOMEN",
  ABDO: "ABDOMEN",
  ABDOMENANDPELVIS: "ABDOMENPELVIS",
  ANKLES: "ANKLE",
  BREASTS: "BREAST",
  CERVICAL: "CSPINE",
  CHESTABDOMENPELVIS: "CHESTABDPELVIS",
  CHESTANDABDOMEN: "CHESTABDOMEN",
  DORSALSPINE: "TSPINE",
  ELBOWS: "ELBOW",
  EXTREMITIES: "EXTREMITY",
  FEET: "FOOT",
  HANDS: "HAND",
  HIPS: "HIP",
  KIDNEYS: "KIDNEY",
  KNEES: "KNEE",
  LUNGS: "LUNG",
  LUMBOSACRALSPINE: "LSSPINE",
  NECKANDCHEST: "NECKCHEST",
  OESOPHAGUS: "ESOPHAGUS",
  ORBITS: "ORBIT",
  RIBS: "RIB",
  SHOULDERS: "SHOULDER",
  THORACOLUMBARSPINE: "TLSPINE",
  URINARYBLADDER: "BLADDER",
  WRISTS: "WRIST",
};

/** Letter case, spaces and punctuation do not matter: `C-SPINE`, `Whole Body`. */
function normalize(term: string): string {
  return term.toUpperCase().replace(/[\s_\-./,&+]/g, "");
}

const byTerm = new Map<string, BodyPart>([
  ...BODY_PARTS.map((part): [string, BodyPart] => [normalize(part.meaning), part]),
  ...BODY_PARTS.map((part): [string, BodyPart] => [part.term, part]),
]);
const bySnomedRt = new Map(BODY_PARTS.map((part) => [part.snomedRt ?? "", part]));

function coding(part: BodyPart | undefined): Coding | undefined {
  return part && { system: SNOMED, code: part.code, display: part.meaning };
}

/** Names that a site has for body parts → codes. */
export type SiteCodes = Readonly<Record<string, { system: string; code: string; display?: string }>>;

/** The code of a Body Part Examined value: the site's own, a defined term or its meaning, or an alias. */
export function bodyPartCoding(term: string, site: SiteCodes = {}): Coding | undefined {
  const name = normalize(term);
  const own = Object.entries(site).find(([one]) => normalize(one) === name)?.[1];
  if (own !== undefined) return siteCoding(own);
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  return coding(byTerm.get(alias ?? name));
}

/** Without a display of the site's the meaning that Annex L has for the code. */
function siteCoding({ system, code, display }: SiteCodes[string]): Coding {
  const known = system === SNOMED ? BODY_PARTS.find((part) => part.code === code)?.meaning : undefined;
  const shown = display ?? known;
  return { system, code, ...(shown === undefined ? {} : { display: shown }) };
}

/** SNOMED CT for a SNOMED RT code such as `T-D4000` (PS3.16 Annex O); undefined for one that no table here has. */
export function fromSnomedRt(code: string): Coding | undefined {
  if (code === "") return undefined;
  const other = SNOMED_RT_CODES.get(code);
  return coding(bySnomedRt.get(code)) ?? (other && { system: SNOMED, code: other.code, display: other.meaning });
}
