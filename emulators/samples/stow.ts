// STOW-RS from the sender's side (PS3.18 §10.5): a modality or an archive that sends files to the service.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

export type Stored = { stored: number; refused: number };

const TRIES = 4;
const BUSY = new Set([408, 429, 502, 503, 504]);

function multipart(files: readonly Uint8Array[]): { type: string; body: Buffer } {
  const boundary = `part-${randomUUID()}`;
  const parts = files.flatMap((file) => [
    Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
    file,
    Buffer.from("\r\n"),
  ]);
  return {
    type: `multipart/related; type="application/dicom"; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** A request to a service that may be starting or overloaded: tried again a few times; then the last answer or error stands. */
export async function send(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(url, { ...init, ...(signal === undefined ? {} : { signal }) });
      if (!BUSY.has(response.status) || attempt === TRIES) return response;
      await response.body?.cancel();
    } catch (error) {
      if (signal?.aborted === true || attempt === TRIES) throw error;
    }
    await sleep(250 * 2 ** attempt, undefined, signal === undefined ? {} : { signal });
  }
}

function storedCount(body: string): number {
  try {
    const dataset: unknown = JSON.parse(body);
    if (typeof dataset !== "object" || dataset === null || !("00081199" in dataset)) return 0;
    const element: unknown = dataset["00081199"];
    if (typeof element !== "object" || element === null || !("Value" in element)) return 0;
    return Array.isArray(element.Value) ? element.Value.length : 0;
  } catch {
    return 0; // a refusal in plain text
  }
}

/**
 * Sends files in one STOW-RS request to `<dicomUrl>/v2/studies`. What the answer does not list as stored was refused; a 4xx
 * refuses all. Throws on 5xx and on network errors that persist.
 */
export async function storeFiles(
  dicomUrl: string,
  files: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<Stored> {
  const { type, body } = multipart(files);
  const headers = { "Content-Type": type, Accept: "application/dicom+json" };
  const response = await send(`${dicomUrl}/v2/studies`, { method: "POST", headers, body }, signal);
  const answer = await response.text();
  if (response.status >= 500) throw new Error(`STOW-RS was answered with status ${response.status}`);
  const stored = Math.min(files.length, storedCount(answer));
  return { stored, refused: files.length - stored };
}
