/** The answer to a look-up holds the study up to three times: by id, by own identifier, by study UID. */
import { expect, test } from "@jest/globals";
import { OPTIONS } from "../../src/config.ts";
import { INCLUDES, type Include } from "../../src/mapping/index.ts";
import { ctImage, element, mapStudy } from "../mapping/datasets.ts";

const LONG_UID = "1.2.826.0.1.3680043.8.498.12345678901234567890123456789012";

test("the largest study that lists its images can be looked up again, with all that may be asked for, from a server that indents its JSON", () => {
  const instanceListLimit = OPTIONS.INSTANCE_LIST_LIMIT.default;
  const images = Array.from({ length: instanceListLimit }, (_, index) =>
    ctImage(index + 1, {
      "00080018": element("UI", `${LONG_UID}.${index + 10_000}`.slice(0, 64)),
      "00080008": element("CS", "DERIVED", "SECONDARY", "AXIAL", "LOCALIZER"),
      "00280008": element("IS", "120"),
    }),
  );
  const include = new Set(Object.keys(INCLUDES) as Include[]);
  const { imagingStudy } = mapStudy(images, { instanceListLimit, include });
  expect(imagingStudy.series?.[0]?.instance).toHaveLength(instanceListLimit);
  const answer = JSON.stringify({ entry: Array.from({ length: 3 }, () => ({ resource: imagingStudy })) }, null, 2);
  expect(Buffer.byteLength(answer)).toBeLessThan(OPTIONS.FHIR_MAX_BYTES.default);
});
