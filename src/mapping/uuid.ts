import { createHash } from "node:crypto";

/** Our own name space for version-5 UUIDs. It must never change: resource ids and identifiers in FHIR servers are made of it. */
const NAMESPACE = Buffer.from("5f1d9a0e6c5b4c38a6f2b7d3e4c80917", "hex");

/** A version-5 UUID (RFC 9562 §5.5) over parts that are kept apart without doubt. */
export function uuidV5(...parts: readonly string[]): string {
  const hash = createHash("sha1").update(NAMESPACE).update(JSON.stringify(parts), "utf8").digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
