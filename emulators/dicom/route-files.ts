import { randomUUID } from "node:crypto";
import type { InstanceView } from "./backend.ts";
import type { Context } from "./context.ts";
import { HttpError, writeChunk } from "./http-reply.ts";
import { mediaRanges } from "./http-request.ts";
import { scopeOf } from "./route-metadata.ts";

type Wanted = { readonly single: boolean; readonly transferSyntax: string };
type File = { readonly bytes: Uint8Array; readonly transferSyntax: string };

/**
 * Retrieves the stored files of a study, series or instance as they came. The emulator does not transcode: asking for
 * another transfer syntax than the stored one is answered with 406.
 */
export async function getFiles(context: Context): Promise<void> {
  const { backend, params, request, response } = context;
  const wanted = wantedOf(request.headers.accept, params["instance"] !== undefined);
  const files: File[] = [];
  for (const view of backend.instances(scopeOf(context))) {
    const file = fileOf(view);
    if (wanted.transferSyntax !== "*" && file.transferSyntax !== wanted.transferSyntax) throw new HttpError(406);
    files.push(file);
  }
  if (files.length === 0) throw new HttpError(404, "The specified item could not be found.");
  const [first] = files;
  if (wanted.single && first) {
    response.setHeader("Content-Type", `application/dicom; transfer-syntax=${first.transferSyntax}`);
    response.setHeader("Content-Length", first.bytes.byteLength);
    response.end(first.bytes);
    return;
  }
  const boundary = randomUUID();
  response.setHeader("Content-Type", `multipart/related; type="application/dicom"; boundary="${boundary}"`);
  for (const { bytes, transferSyntax } of files) {
    const head = `--${boundary}\r\nContent-Type: application/dicom; transfer-syntax=${transferSyntax}\r\n\r\n`;
    for (const chunk of [head, bytes, "\r\n"]) if (!(await writeChunk(response, chunk))) return;
  }
  response.end(`--${boundary}--\r\n`);
}

function fileOf(view: InstanceView): File {
  const file = view.file?.();
  if (!file) throw new HttpError(404, "The specified item could not be found.");
  return file;
}

function wantedOf(accept: string | undefined, oneInstance: boolean): Wanted {
  for (const { type, parameters } of accept === undefined ? [] : mediaRanges(accept)) {
    const transferSyntax = parameters["transfer-syntax"] ?? "*";
    if (type === "application/dicom" && oneInstance) return { single: true, transferSyntax };
    const related = type === "multipart/related" && (parameters["type"] ?? "application/dicom") === "application/dicom";
    if (related || type === "*/*" || type === "multipart/*") return { single: false, transferSyntax };
  }
  throw new HttpError(406);
}
