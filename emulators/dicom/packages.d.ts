declare module "dcmjs/dictionary" {
  export const dictionary: Record<string, { vr: string; name: string } | undefined>;
}
declare module "dicom-character-set" {
  export function convertBytes(characterSet: string, bytes: Uint8Array, options?: { vr?: string }): string;
}
