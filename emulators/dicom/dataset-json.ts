import { latin1 } from "./charset.ts";
import type { Attribute, Dataset } from "./dicom-json.ts";
import { type Element, isKept } from "./element-reader.ts";
import { elementValues } from "./values.ts";

/** Elements to DICOM JSON as the service keeps it (contract §7). An item without its own character set inherits one. */
export function datasetJson(view: DataView, elements: readonly Element[], inherited = ""): Dataset {
  const own = elements.find((element) => element.tag === "00080005");
  const characterSet = own && own.length > 0 ? latin1(bytesOf(view, own)).replace(/[\0 ]+$/, "") : inherited;
  const dataset: Dataset = {};
  for (const element of elements) if (isKept(element)) dataset[element.tag] = attribute(view, element, characterSet);
  return dataset;
}

function attribute(view: DataView, element: Element, characterSet: string): Attribute {
  const { vr, items } = element;
  const values = items
    ? items.map((item) => datasetJson(view, item, characterSet))
    : elementValues(view, element, characterSet);
  return values.length > 0 ? { vr, Value: values } : { vr };
}

function bytesOf(view: DataView, element: Element): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + element.offset, element.length);
}
