// Repeatable randomness of the generator: the same seed and label give the same UID, the same number.
import { createHash } from "node:crypto";

function digest(seed: string, label: string): Buffer {
  return createHash("sha256").update(`${seed}\n${label}`).digest();
}

/** A UID under 2.25 (PS3.5 B.2): the decimal form of a version-5 style UUID computed from seed and label; at most 44 characters. */
export function seededUid(seed: string, label: string): string {
  const bytes = digest(seed, label).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${bytes.toString("hex")}`)}`;
}

/** An integer, 0 <= n < below (at most 2^48). */
export function seededNumber(seed: string, label: string, below: number): number {
  return digest(seed, label).readUIntBE(0, 6) % below;
}
