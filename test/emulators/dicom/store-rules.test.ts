import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../../emulators/dicom/index.ts";
import { el, writePart10 } from "../../../emulators/samples/index.ts";
import { image, uid } from "../../contract/dicom/target.ts";

type Json = Record<string, { vr: string; Value?: unknown[] }>;

let emulator: DicomEmulator;
beforeAll(async () => {
  emulator = await startDicomEmulator();
});
afterAll(() => emulator.close());

async function stow(bytes: Uint8Array, api = 2): Promise<{ status: number; body: Json; warning: string | null }> {
  const headers = { "content-type": "application/dicom" };
  const response = await fetch(`${emulator.url}/v${api}/studies`, {
    method: "POST",
    body: Buffer.from(bytes),
    headers,
  });
  return { status: response.status, body: (await response.json()) as Json, warning: response.headers.get("warning") };
}

/** The first item of the stored (00081199) or failed (00081198) instances. */
function item(body: Json, sequence: "00081198" | "00081199"): Json {
  return (body[sequence]?.Value?.[0] ?? {}) as Json;
}

async function metadata(study: string): Promise<Json> {
  return ((await (await fetch(`${emulator.url}/v2/studies/${study}/metadata`)).json()) as Json[])[0] as Json;
}

describe("invalid attributes", () => {
  test("v2 drops an invalid optional attribute, stores the rest with warning 1 and answers 202", async () => {
    const study = uid();
    const { status, body } = await stow(
      image({ study, more: { "00080020": el("DA", "20261399"), "00080030": el("TM", "120000") } }),
    );
    const stored = item(body, "00081199");
    expect([status, stored["00081196"]?.Value]).toEqual([202, [1]]);
    expect(((stored["00741048"]?.Value ?? []) as Json[])[0]?.["00000902"]?.Value?.[0]).toMatch(/0008,0020/);
    const dataset = await metadata(study);
    expect([dataset["00080020"], dataset["00080030"]?.Value]).toEqual([undefined, ["120000"]]);
  });

  test("v1 refuses it when the attribute can be searched by, and keeps it when it cannot", async () => {
    const refused = await stow(image({ more: { "00080020": el("DA", "20261399") } }), 1);
    expect([refused.status, item(refused.body, "00081198")["00081197"]?.Value]).toEqual([409, [43264]]);
    const study = uid();
    expect((await stow(image({ study, more: { "00080030": el("TM", "9999") } }), 1)).status).toBe(200);
    expect((await metadata(study))["00080030"]?.Value).toEqual(["9999"]);
  });

  test("a bad element inside a sequence stays there and takes the valid one of the same tag at the top with it", async () => {
    const study = uid();
    const more = {
      "00080100": el("SH", "fine"),
      "00081032": el("SQ", { "00080100": el("SH", "much too long for SH") }),
    };
    expect((await stow(image({ study, more }))).status).toBe(202);
    const dataset = await metadata(study);
    expect(dataset["00080100"]).toBeUndefined();
    expect(((dataset["00081032"]?.Value ?? []) as Json[])[0]?.["00080100"]?.Value).toEqual(["much too long for SH"]);
  });
});

test("required: the UIDs and SOPClassUID with a value, PatientID at least present", async () => {
  const dataset = { "00080018": el("UI", uid()), "00080060": el("CS", "CT"), "0020000D": el("UI", "1.2.x") };
  const { status, body } = await stow(writePart10(dataset));
  const failed = item(body, "00081198");
  const sentences = ((failed["00741048"]?.Value ?? []) as Json[]).map((item) => String(item["00000902"]?.Value?.[0]));
  expect(status).toBe(409);
  for (const tag of ["0020,000d", "0020,000e", "0008,0016", "0010,0020"])
    expect(sentences.some((text) => text.includes(tag))).toBe(true);
  expect(sentences.some((text) => text.includes("0008,0018"))).toBe(false);
});

test("the answer carries absolute retrieve URLs and, on v2, always the list of errors", async () => {
  const [study, series, instance] = [uid(), uid(), uid()];
  const { body } = await stow(image({ study, series, instance }));
  const stored = item(body, "00081199");
  expect(stored["00081190"]?.Value).toEqual([
    `${emulator.url}/v2/studies/${study}/series/${series}/instances/${instance}`,
  ]);
  expect(stored["00741048"]).toEqual({ vr: "SQ" });
  expect(body["00081190"]).toBeUndefined();
});

test("an implicit VR file is stored with warning 45063", async () => {
  const dataset = {
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", uid()),
    "00100020": el("LO", "P"),
    "0020000D": el("UI", uid()),
    "0020000E": el("UI", uid()),
  };
  const { status, body } = await stow(writePart10(dataset, { transferSyntax: "implicit" }));
  expect([status, item(body, "00081199")["00081196"]?.Value]).toEqual([202, [45063]]);
});

test("a searchable attribute with several values is announced in a Warning header", async () => {
  expect((await stow(image({ more: { "00100020": el("LO", "A", "B") } }))).warning).toMatch(/^299 /);
});

test("a file cut inside its header is refused, one cut inside its pixel data is stored", async () => {
  const pixels = { "7FE00010": el("OW", Buffer.alloc(400).toString("base64")) };
  const whole = image({ more: pixels });
  expect((await stow(whole.subarray(0, whole.length - 100))).status).toBe(200);
  const header = image({ more: { "00204000": el("LT", "x".repeat(300)) } });
  const { status, body } = await stow(header.subarray(0, header.length - 40));
  expect([status, item(body, "00081198")["00081197"]?.Value]).toEqual([409, [272]]);
});

test("what is no Part 10 file is refused with 272; a multipart body without end with 400; no parts are a 204", async () => {
  const { status, body } = await stow(Buffer.from("hello"));
  expect([status, item(body, "00081198")["00081197"]?.Value]).toEqual([409, [272]]);
  const headers = { "content-type": 'multipart/related; type="application/dicom"; boundary=x' };
  const post = (text: string) => fetch(`${emulator.url}/v2/studies`, { method: "POST", body: text, headers });
  expect([(await post("--x\r\n\r\nabc")).status, (await post("--x--")).status]).toEqual([400, 204]);
});
