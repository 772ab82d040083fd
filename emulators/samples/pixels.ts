// Small pictures, so that retrieved instances show something in a viewer.
import { type Dataset, el } from "./dataset.ts";

/** Image pixel module (PS3.3 C.7.6.3) of a grey picture; `bits` stored in 8 or 16. The pattern moves with `phase`. */
export function greyPixels(size: number, bits: 8 | 12, phase: number): Dataset {
  const wide = bits > 8;
  const bytes = Buffer.alloc(size * size * (wide ? 2 : 1));
  const max = 2 ** bits - 1;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const value = Math.round((max * (1 + Math.sin((x * (phase % 7)) / 4 + (y * y) / size + phase))) / 2);
      if (wide) bytes.writeUInt16LE(value, 2 * (y * size + x));
      else bytes[y * size + x] = value;
    }
  }
  return { ...pixelModule(size, bits), "7FE00010": { vr: wide ? "OW" : "OB", bytes } };
}

/** The same for several 8-bit frames, each one fragment in RLE Lossless (PS3.5 Annex G). */
export function rleFrames(size: number, frames: number): Dataset {
  const fragments = Array.from({ length: frames }, (_, phase) => {
    const raw = greyPixels(size, 8, phase)["7FE00010"]?.bytes ?? new Uint8Array();
    const head = Buffer.alloc(64);
    head.writeUInt32LE(1, 0); // one segment, which starts after the header
    head.writeUInt32LE(64, 4);
    const rows = Array.from({ length: size }, (_, y) => packBits(raw.subarray(y * size, (y + 1) * size)));
    const body = Buffer.concat(rows);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  });
  return { ...pixelModule(size, 8), "00280008": el("IS", frames), "7FE00010": { vr: "OB", fragments } };
}

function pixelModule(size: number, bits: 8 | 12): Dataset {
  return {
    "00280002": el("US", 1),
    "00280004": el("CS", "MONOCHROME2"),
    "00280010": el("US", size),
    "00280011": el("US", size),
    "00280100": el("US", bits > 8 ? 16 : 8),
    "00280101": el("US", bits),
    "00280102": el("US", bits - 1),
    "00280103": el("US", 0),
  };
}

/** PackBits: a run of equal bytes as (257 - n, byte), other bytes as (n - 1, bytes…); a run never crosses a row. */
function packBits(row: Uint8Array): Buffer {
  const out: number[] = [];
  let i = 0;
  while (i < row.length) {
    let run = 1;
    while (i + run < row.length && run < 128 && row[i + run] === row[i]) run += 1;
    if (run > 1) {
      out.push(257 - run, row[i] ?? 0);
      i += run;
      continue;
    }
    let end = i + 1;
    while (end < row.length && end - i < 128 && row[end] !== row[end - 1]) end += 1;
    const stop = end < row.length && row[end] === row[end - 1] && end - i > 1 ? end - 1 : end;
    out.push(stop - i - 1, ...row.subarray(i, stop));
    i = stop;
  }
  return Buffer.from(out);
}
