import { randomUUID } from "node:crypto";
import type { DicomWriter } from "./backend.ts";

export type Operation = {
  readonly id: string;
  readonly created: Date;
  updated: Date;
  status: "notStarted" | "running" | "succeeded";
  readonly studies: number;
  processed: number;
  updatedStudies: number;
  updatedInstances: number;
};

/** Bulk updates of the service: one at a time; studies one after the other, each in one transaction (contract §4.5). */
export type Operations = {
  get(id: string): Operation | undefined;
  busy(): boolean;
  start(
    writer: DicomWriter,
    partition: string,
    studies: readonly string[],
    change: Readonly<Record<string, unknown>>,
    delayMs: number,
  ): Operation;
  close(): void;
};

export function createOperations(): Operations {
  const operations = new Map<string, Operation>();
  const timers = new Set<NodeJS.Timeout>();

  function later(ms: number, step: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      step();
    }, ms);
    timers.add(timer);
  }

  return {
    get: (id) => operations.get(id.replaceAll("-", "").toLowerCase()),
    busy: () => [...operations.values()].some(({ status }) => status !== "succeeded"),
    start(writer, partition, studies, change, delayMs) {
      const id = randomUUID().replaceAll("-", "");
      const now = new Date();
      const operation: Operation = {
        ...{ id, created: now, updated: now, status: "notStarted", studies: studies.length },
        ...{ processed: 0, updatedStudies: 0, updatedInstances: 0 },
      };
      operations.set(id, operation);
      later(delayMs / 2, () => {
        operation.status = "running";
        operation.updated = new Date();
        later(delayMs / 2, () => {
          for (const study of studies) {
            const count = writer.update(partition, study, change);
            operation.processed++;
            operation.updatedInstances += count;
            if (count > 0) operation.updatedStudies++;
          }
          operation.status = "succeeded";
          operation.updated = new Date();
        });
      });
      return operation;
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
