// Where everything is in a synthetic feed: pure arithmetic between sequence numbers, indexes and UIDs, both ways.
// Invariants: every study has `images` images; image i lies in series floor(i * series / images), so series are contiguous;
// each (study, image) has exactly one sequence in 1..studies*images, and within a study sequences grow with the image index.

export type SyntheticOptions = {
  /** Number of studies. */
  studies: number;
  /** Images of each study. */
  images: number;
  /** Series of each study, at most `images`; default 1. */
  series?: number;
  /** How many studies arrive at the same time, image by image in turn; default 1: study after study. */
  interleave?: number;
  /** Images per second by which the feed grows from nothing, from the start of the service; default: all are there. */
  rate?: number;
  /** Seconds from the start of the service to the first image, with `rate`; default 0. */
  delay?: number;
};

/** Options with all defaults filled in; `rate` 0 = everything is there. */
export type Shape = Required<SyntheticOptions>;

export type Place = { study: number; image: number };

const ROOT = "1.3.6.1.4.1.32473"; // the enterprise number reserved for examples (RFC 5612)
const STUDY_BASE = 1e14;
const SERIES_BASE = 1e9;
const IMAGE_BASE = 1e12;
const LIMIT = 1e9;

const KINDS = { study: 1, series: 2, image: 3, frameOfReference: 4 } as const;
export type UidKind = keyof typeof KINDS;

/**
 * Reads `studies=N,images=M[,series=K][,interleave=K][,rate=R][,delay=S]`. Throws RangeError with one sentence that names
 * the part that is wrong.
 */
export function parseSynthetic(text: string): SyntheticOptions {
  const found: Record<string, number> = {};
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.trim().split("=");
    const whole = ["studies", "images", "series", "interleave"].includes(name);
    if (!whole && name !== "rate" && name !== "delay") throw new RangeError(`synthetic: unknown option "${name}"`);
    if (!(whole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(value)) throw new RangeError(`synthetic: ${name} is not a number`);
    found[name] = Number(value);
  }
  const { studies, images, ...rest } = found;
  if (studies === undefined || images === undefined) {
    throw new RangeError("synthetic: studies=N and images=M are both needed");
  }
  const options = { studies, images, ...rest };
  shapeOf(options);
  return options;
}

/** Fills in the defaults. Throws RangeError if the numbers do not fit together. */
export function shapeOf(options: SyntheticOptions): Shape {
  const shape = { series: 1, interleave: 1, rate: 0, delay: 0, ...options };
  for (const name of ["studies", "images", "series", "interleave"] as const) {
    const value = shape[name];
    if (!Number.isInteger(value) || value < 1 || value >= LIMIT) {
      throw new RangeError(`synthetic: ${name} must be a whole number from 1 to ${LIMIT - 1}`);
    }
  }
  if (shape.series > shape.images) throw new RangeError("synthetic: a study has no more series than images");
  if (shape.studies * shape.images >= LIMIT) throw new RangeError(`synthetic: a feed has at most ${LIMIT} entries`);
  return { ...shape, interleave: Math.min(shape.interleave, shape.studies) };
}

/** The last block of interleaved studies may be smaller than the others. */
function blockSize(shape: Shape, block: number): number {
  return Math.min(shape.interleave, shape.studies - block * shape.interleave);
}

export function sequenceOf(shape: Shape, { study, image }: Place): number {
  const block = Math.floor(study / shape.interleave);
  const first = block * shape.interleave;
  return first * shape.images + image * blockSize(shape, block) + (study - first) + 1;
}

export function placeOf(shape: Shape, sequence: number): Place {
  const full = shape.interleave * shape.images;
  const block = Math.floor((sequence - 1) / full);
  const within = (sequence - 1) % full;
  const size = blockSize(shape, block);
  return { study: block * shape.interleave + (within % size), image: Math.floor(within / size) };
}

/** How many images of a study are there once the feed has reached sequence `latest`. */
export function arrivedImages(shape: Shape, study: number, latest: number): number {
  const block = Math.floor(study / shape.interleave);
  const first = block * shape.interleave;
  const size = blockSize(shape, block);
  const arrived = Math.min(Math.max(latest - first * shape.images, 0), size * shape.images);
  return Math.floor(arrived / size) + (study - first < arrived % size ? 1 : 0);
}

export function seriesOf(shape: Shape, image: number): number {
  return Math.floor((image * shape.series) / shape.images);
}

/** First image of a series; that of the next series is the end of this one. */
export function firstImageOf(shape: Shape, series: number): number {
  return Math.ceil((series * shape.images) / shape.series);
}

/** A UID of exactly 60 characters that carries its indexes; a study has series and image 0, a series has image 0. */
export function uidOf(kind: UidKind, study: number, series = 0, image = 0): string {
  return `${ROOT}.${KINDS[kind]}.${STUDY_BASE + study}.${SERIES_BASE + series}.${IMAGE_BASE + image}`;
}

/** The indexes in a UID made by `uidOf`; undefined for any other UID, of this kind or not. */
export function indexesOf(kind: UidKind, uid: string): { study: number; series: number; image: number } | undefined {
  const parts = uid.slice(ROOT.length + 1).split(".");
  const [study, series, image] = [
    Number(parts[1]) - STUDY_BASE,
    Number(parts[2]) - SERIES_BASE,
    Number(parts[3]) - IMAGE_BASE,
  ];
  const inRange = [study, series, image].every((index) => index >= 0 && index < LIMIT);
  return inRange && uidOf(kind, study, series, image) === uid ? { study, series, image } : undefined;
}
