import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  arrivedImages,
  indexesOf,
  parseSynthetic,
  placeOf,
  type Shape,
  sequenceOf,
  seriesOf,
  shapeOf,
  uidOf,
} from "../../../emulators/dicom/synthetic-layout.ts";

const shapes = fc
  .record({
    studies: fc.integer({ min: 1, max: 30 }),
    images: fc.integer({ min: 1, max: 30 }),
    interleave: fc.integer({ min: 1, max: 40 }),
  })
  .chain((base) => fc.integer({ min: 1, max: base.images }).map((series): Shape => shapeOf({ ...base, series })));

describe("the layout of a synthetic feed", () => {
  test("every sequence leads to its own image and back, whatever the interleaving", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const total = shape.studies * shape.images;
        const places = Array.from({ length: total }, (_, i) => placeOf(shape, i + 1));
        expect(places.map((place) => sequenceOf(shape, place))).toEqual(places.map((_, i) => i + 1));
        expect(new Set(places.map(({ study, image }) => `${study}/${image}`)).size).toBe(total);
        expect(places.every(({ study, image }) => study < shape.studies && image < shape.images)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("the number of images that arrived agrees with counting the entries", () => {
    fc.assert(
      fc.property(shapes, fc.nat({ max: 900 }), (shape, some) => {
        const latest = Math.min(some, shape.studies * shape.images);
        const counts = new Array<number>(shape.studies).fill(0);
        for (let sequence = 1; sequence <= latest; sequence += 1) {
          const { study } = placeOf(shape, sequence);
          counts[study] = (counts[study] ?? 0) + 1;
        }
        expect(counts.map((_, study) => arrivedImages(shape, study, latest))).toEqual(counts);
      }),
      { numRuns: 60 },
    );
  });

  test("series are contiguous and none is empty", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const series = Array.from({ length: shape.images }, (_, image) => seriesOf(shape, image));
        expect(series).toEqual([...series].sort((a, b) => a - b));
        expect(new Set(series).size).toBe(shape.series);
      }),
    );
  });

  test("UIDs have 60 characters and carry their indexes; other UIDs carry none", () => {
    const uid = uidOf("image", 123_456, 7, 99_999);
    expect(uid).toMatch(/^[0-9.]{60}$/);
    expect(uid.split(".").filter((part) => part.length > 1 && part.startsWith("0"))).toEqual([]);
    expect(indexesOf("image", uid)).toEqual({ study: 123_456, series: 7, image: 99_999 });
    for (const other of ["", "1.2.3", uidOf("study", 1), `${uid}1`]) expect(indexesOf("image", other)).toBeUndefined();
  });

  test("the option text is read, and what is wrong in it is named", () => {
    expect(parseSynthetic("studies=1000,images=500,series=4,interleave=8,rate=16.5,delay=2")).toEqual({
      studies: 1000,
      images: 500,
      series: 4,
      interleave: 8,
      rate: 16.5,
      delay: 2,
    });
    expect(() => parseSynthetic("studies=10")).toThrow("studies=N and images=M");
    expect(() => parseSynthetic("studies=10,images=1,colour=2")).toThrow('"colour"');
    expect(() => parseSynthetic("studies=x,images=1")).toThrow("studies is not a number");
    expect(() => parseSynthetic("studies=0,images=1")).toThrow("studies must be");
    expect(() => parseSynthetic("studies=1,images=2,series=3")).toThrow("no more series than images");
  });
});
