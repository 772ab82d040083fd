/** What the two services are asked for in a whole day, with each command: the rights of SECURITY.md are enough, and none of them is asked for in vain. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { hospitalDayEvening } from "../../emulators/samples/index.ts";
import { type HttpTap, startHttpTap } from "../crash/http-tap.ts";
import { createSeam } from "../crash/seam.ts";
import { runCommand } from "../support/worker-process.ts";
import { type Stack, startStack } from "./stack.ts";

let stack: Stack | undefined;
let taps: HttpTap[] = [];
afterEach(async () => {
  await stack?.close();
  await Promise.all(taps.map((tap) => tap.close()));
  [stack, taps] = [undefined, []];
});

const TYPE = "(Patient|ImagingStudy|Endpoint|Device)";
const TYPES = `${TYPE}(, ${TYPE})*`;
const ALLOWED = new RegExp(
  `^(dicom GET .*|fhir (GET \\S*/metadata|batch of ${TYPES}|transaction of ${TYPES}|(GET|PUT) \\S*/${TYPE}(/\\{id\\})?|DELETE \\S*/ImagingStudy/\\{id\\}))$`,
);

describe("must not happen", () => {
  test("more rights are asked for than are used", async () => {
    const own = await startStack();
    stack = own;
    const seam = createSeam();
    const [dicom, fhir] = await Promise.all([
      startHttpTap("dicom", seam, own.dicom.url),
      startHttpTap("fhir", seam, own.fhir.url),
    ]);
    taps = [dicom, fhir];
    const options = { ...own.options, DICOM_URL: dicom.url, FHIR_URL: fhir.url };
    const command = async (...args: string[]) => {
      const { code, stderr } = await runCommand(args, options);
      expect([args.join(" "), code, stderr]).toEqual([args.join(" "), 0, expect.any(String)]);
    };
    seam.arm(undefined, () => {});
    await own.playDay();
    own.worker({ DICOM_URL: dicom.url, FHIR_URL: fhir.url });
    await own.settled();
    const [first] = hospitalDayEvening({ seed: own.seed });
    const uid = first?.studyInstanceUid ?? "";
    expect((await fetch(`${own.dicom.url}/v2/studies/${uid}`, { method: "DELETE" })).status).toBe(204);
    await own.settled();
    await command("resync", "--study", uid, "--confirm-deletes");
    await command("resync", "--all");
    await own.settled();

    const asked = [...new Set(seam.recorded().map(({ label }) => label))];
    expect(asked.filter((label) => !ALLOWED.test(label))).toEqual([]);
    for (const used of [/^dicom GET .*changefeed/, /^dicom GET .*metadata/, /^fhir transaction of/, /^fhir DELETE/])
      expect([used.source, asked.some((label) => used.test(label))]).toEqual([used.source, true]);
  }, 120_000);
});
