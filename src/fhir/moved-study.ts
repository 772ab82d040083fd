/**
 * What of a study goes when it moves to another patient. Elements such as reasons, readers and the visit stay while DICOM says nothing of them, because
 * others may have set them; but whoever did meant the patient of before, and one person's reason must not stand in another's study. Pure.
 */
import type { Reference } from "fhir/r4";
import type { OwnershipTree } from "../mapping/index.ts";
import { isRecord } from "./json.ts";

/** The tree by which the study is merged: nothing is kept for its own sake where `before`, its subject so far, plainly is somebody else than `after`. */
export function treeForSubject(tree: OwnershipTree, before: unknown, after: Reference): OwnershipTree {
  if (!isOfAnother(before, after)) return tree;
  return Object.fromEntries(
    Object.entries(tree).map(([name, owned]) => [name, owned.kind === "whole" ? { kind: "whole" } : owned]),
  );
}

/** By the identifiers alone: the reference changes too when a Patient is merged, and a subject without one may be anybody. */
function isOfAnother(before: unknown, { identifier }: Reference): boolean {
  const theirs = isRecord(before) ? before["identifier"] : undefined;
  if (!isRecord(theirs) || theirs["value"] === undefined) return false;
  return theirs["system"] !== identifier?.system || theirs["value"] !== identifier?.value;
}
