import type { ServerResponse } from "node:http";

/** An error the service answers with: a bare sentence as text/plain, no problem details (contract §1.2). */
export class HttpError extends Error {
  readonly status: number;
  constructor(status: number, sentence = "") {
    super(sentence);
    this.status = status;
  }
}

export const dicomJson = "application/dicom+json";

export function reply(
  response: ServerResponse,
  status: number,
  body = "",
  contentType = "text/plain; charset=utf-8",
): void {
  response.statusCode = status;
  if (body !== "") response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
}

/** Writes a chunk and waits until the socket takes more. False: the client is gone. */
export function writeChunk(response: ServerResponse, chunk: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed || response.socket === null) return resolve(false);
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve(!response.destroyed);
    };
    if (response.write(chunk)) return resolve(true);
    response.on("drain", done);
    response.on("close", done);
  });
}

/** Ends a response in the middle of its body: what was written arrives, the end never does. */
export async function breakOff(response: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    response.write(" ", () => resolve());
    response.on("close", () => resolve());
  });
  response.destroy();
}
