/** The issuer of an identifier as a FHIR `system`: an absolute URI without doubt, or nothing. */
import { type Dataset, text } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";

/** What the source says of the issuer; all of it optional. */
export type Issuer = {
  /** (0010,0021) Issuer of Patient ID, or (0040,0031) Local Namespace Entity ID. */
  local: string | undefined;
  /** (0040,0032) Universal Entity ID. */
  universal: string | undefined;
  /** (0040,0033) Universal Entity ID Type. */
  universalType: string | undefined;
};

/** The HL7v2 Hierarchic Designator Macro (PS3.3 table 10-17) of an item. */
export function readIssuer(item: Dataset | undefined, note: Note): Issuer {
  if (item === undefined) return { local: undefined, universal: undefined, universalType: undefined };
  return {
    local: text(item, "LocalNamespaceEntityID", note),
    universal: text(item, "UniversalEntityID", note),
    universalType: text(item, "UniversalEntityIDType", note)?.toUpperCase(),
  };
}

/**
 * Order: the universal ID by its type, the configured map (universal ID, then local name), an issuer that is itself a URI or an OID.
 * The configured default is not applied here, because whether it may be used is the caller's decision.
 */
export function issuerSystem(issuer: Issuer, map: Readonly<Record<string, string>>): string | undefined {
  const mapped = (name: string | undefined) => (name !== undefined && Object.hasOwn(map, name) ? map[name] : undefined);
  return (
    universalSystem(issuer) ??
    mapped(issuer.universal) ??
    mapped(issuer.local) ??
    selfEvidentSystem(issuer.local) ??
    (issuer.universalType === undefined ? selfEvidentSystem(issuer.universal) : undefined)
  );
}

const OID = /^[0-2](\.(0|[1-9]\d*))+$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const URI = /^(urn:[a-z0-9][a-z0-9-]+:|https?:\/\/)[!-~]+$/i;

function universalSystem({ universal, universalType }: Issuer): string | undefined {
  if (universal === undefined) return undefined;
  if (universalType === "ISO" && OID.test(universal)) return `urn:oid:${universal}`;
  if (universalType === "UUID" && UUID.test(universal)) return `urn:uuid:${universal.toLowerCase()}`;
  if (universalType === "URI" && URI.test(universal)) return universal;
  return undefined;
}

/** At least four arcs: a short dotted number is as likely a free text. */
function selfEvidentSystem(issuer: string | undefined): string | undefined {
  if (issuer === undefined) return undefined;
  if (URI.test(issuer)) return issuer;
  return OID.test(issuer) && issuer.split(".").length >= 4 ? `urn:oid:${issuer}` : undefined;
}

/** The options for instances of one partition: ISSUER_SYSTEMS may hold `partition:NAME`, the default system of Patient IDs there. */
export function forPartition(options: MappingOptions, partition: string): MappingOptions {
  const key = `partition:${partition}`;
  const { issuerSystems } = options;
  return Object.hasOwn(issuerSystems, key) ? { ...options, patientIdSystem: issuerSystems[key] } : options;
}
