/** Maps that a site extends: BODY_PART_CODES and MODALITY_CODES. */
import { describe, expect, test } from "@jest/globals";
import { mappingOptions, problemText, resolvePart } from "../../src/config.ts";
import { BODY_PARTS } from "../../src/mapping/body-part-table.ts";

function resolved(env: Record<string, string>, file?: unknown) {
  const result = resolvePart({ flags: {}, env, file, readFile: () => "" }, "offline");
  return result.ok ? mappingOptions(result.config) : result.problems.map(problemText);
}

const SNOMED = "http://snomed.info/sct";

describe("BODY_PART_CODES", () => {
  test("takes codes of SNOMED CT, and others with their system and display", () => {
    const given = "LWS=122496007,BECKEN=https://h.example/p | b 1 | Becken";
    expect(resolved({ BODY_PART_CODES: given })).toMatchObject({
      bodyPartCodes: {
        LWS: { system: SNOMED, code: "122496007" },
        BECKEN: { system: "https://h.example/p", code: "b 1", display: "Becken" },
      },
    });
    const json = { LWS: `${SNOMED}|122496007|Lumbar, lower` };
    expect(resolved({}, { BODY_PART_CODES: json })).toMatchObject({
      bodyPartCodes: { LWS: { system: SNOMED, code: "122496007", display: "Lumbar, lower" } },
    });
  });

  test("knows every code of Annex L, and refuses each of them with a wrong digit", () => {
    const refused = (code: string) => Array.isArray(resolved({ BODY_PART_CODES: `X=${code}` }));
    const codes = BODY_PARTS.map(({ code }) => code);
    expect(codes.filter(refused)).toEqual([]);
    const wrong = codes.map((code) => code.slice(0, -1) + ((Number(code.at(-1)) + 1) % 10));
    expect(wrong.filter((code) => !refused(code))).toEqual([]);
  });

  test.each(["X=T-D4000", "X=12", "X=nowhere|1", "X=a|b|c|d", "X=https://h.example/p|", "X", "=122496007", '{"X":1}'])(
    "%s is refused with what is expected",
    (given) => {
      expect(resolved({ BODY_PART_CODES: given })).toEqual([expect.stringMatching(/^BODY_PART_CODES .*expected /)]);
    },
  );
});

describe("MODALITY_CODES", () => {
  test("takes modalities of DICOM, in any letter case", () => {
    expect(resolved({ MODALITY_CODES: "XR=dx,MRI=MR" })).toMatchObject({ modalityCodes: { XR: "DX", MRI: "MR" } });
  });

  test.each(["XR=XRAY", "XR=", '{"XR":["DX"]}'])("%s is refused with what is expected", (given) => {
    expect(resolved({ MODALITY_CODES: given })).toEqual([
      expect.stringMatching(/^MODALITY_CODES .*expected a modality of DICOM \(PS3.16 CID 33\) for "XR"/),
    ]);
  });
});
