import type { IncomingMessage, ServerResponse } from "node:http";
import type { DicomBackend } from "./backend.ts";
import type { Faults } from "./faults.ts";
import type { Query } from "./http-request.ts";
import type { Operations } from "./operations.ts";

/** What the emulator is made of, shared by all requests. */
export type Service = {
  readonly backend: DicomBackend;
  readonly faults: Faults;
  readonly partitionsOn: boolean;
  readonly operations: Operations;
};

/** One request after routing. */
export type Context = Service & {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: Query;
  readonly api: 1 | 2;
  readonly partition: string;
  /** Values of the route's `:names`, decoded; UIDs are checked already. */
  readonly params: Readonly<Record<string, string>>;
  /** Absolute URL up to and including the version (and partition) segment. */
  readonly base: string;
};

export type Handler = (context: Context) => void | Promise<void>;
