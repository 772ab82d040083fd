import { type Dataset, items, text, texts } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { ObjectKind } from "./sop-classes.ts";

/**
 * The instance's title by its kind of object: a report's or key object's concept name, a document's title, the label and description of a presentation
 * state or segmentation, an image's type (written with DICOM's backslash).
 */
export function instanceTitle(dataset: Dataset, kind: ObjectKind, note: Note): string | undefined {
  switch (kind) {
    case "report":
    case "key-object": {
      const [concept] = items(dataset, "ConceptNameCodeSequence", note);
      return concept && text(concept, "CodeMeaning", note);
    }
    case "document": {
      const [concept] = items(dataset, "ConceptNameCodeSequence", note);
      return text(dataset, "DocumentTitle", note) ?? (concept && text(concept, "CodeMeaning", note));
    }
    case "presentation":
    case "segmentation":
    case "other": {
      const label = text(dataset, "ContentLabel", note);
      const description = text(dataset, "ContentDescription", note);
      const parts = [label, description].filter((part) => part !== undefined);
      return parts.length === 0 || label === description ? label : parts.join(": ");
    }
    case "image": {
      const type = texts(dataset, "ImageType", note);
      return type.length === 0 ? undefined : type.join("\\");
    }
  }
}
