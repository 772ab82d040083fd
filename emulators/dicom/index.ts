import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { DicomBackend, StoreOutcome } from "./backend.ts";
import { type Control, createControl } from "./control.ts";
import { noFaults } from "./faults.ts";
import { createDicomServer } from "./http-server.ts";
import { type LoadResult, loadFolder } from "./load-folder.ts";
import { createMemoryStore, defaultPartition, type MemoryStore } from "./memory-store.ts";
import { createOperations } from "./operations.ts";
import { createSyntheticBackend, type SyntheticOptions } from "./synthetic.ts";

export type { DicomBackend, FeedEntry, GroupView, InstanceView, Scope, StoreOutcome } from "./backend.ts";
export type { Control } from "./control.ts";
export type { LoadResult } from "./load-folder.ts";

export type DicomEmulatorOptions = {
  readonly port?: number;
  readonly host?: string;
  readonly partitions?: boolean;
  /** Folder whose files are stored before the server listens. */
  readonly load?: string;
  /** A computed, read-only feed of any length instead of stored files. */
  readonly synthetic?: SyntheticOptions;
  /** Another store behind the same routes; without it an empty writable one in memory. */
  readonly backend?: DicomBackend;
};

export type DicomEmulator = {
  /** `http://127.0.0.1:P`, without path or trailing slash; the API is under `/v1` and `/v2`. */
  readonly url: string;
  readonly port: number;
  /** What became of the files of `load`, in the order they were stored. */
  readonly loaded: readonly LoadResult[];
  /** Stores one Part 10 file by the rules of API v2. */
  store(bytes: Uint8Array, o?: { partition?: string }): StoreOutcome;
  readonly control: Control;
  close(): Promise<void>;
};

/** Starts the DICOM service on a free or given port of `host` (default 127.0.0.1). */
export async function startDicomEmulator(o: DicomEmulatorOptions = {}): Promise<DicomEmulator> {
  const { backend, memory } = chooseBackend(o);
  const faults = noFaults();
  const operations = createOperations();
  const control = createControl(faults, memory);
  const loaded = o.load !== undefined && memory ? await loadFolder(o.load, memory.writer, defaultPartition) : [];
  const server = createDicomServer({ backend, faults, operations, partitionsOn: o.partitions ?? false }, control);
  const host = o.host ?? "127.0.0.1";
  server.listen(o.port ?? 0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    loaded,
    control,
    store(bytes, { partition = defaultPartition } = {}) {
      if (!memory) throw new Error("this emulator's store is read-only");
      return memory.writer.store({ bytes, partition, api: 2 });
    },
    async close() {
      operations.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function chooseBackend(o: DicomEmulatorOptions): { backend: DicomBackend; memory: MemoryStore | undefined } {
  const readOnly = o.backend ?? (o.synthetic && createSyntheticBackend(o.synthetic));
  if (readOnly) return { backend: readOnly, memory: undefined };
  const memory = createMemoryStore();
  return { backend: memory, memory };
}
