/** A DICOM service in trouble: late commits, holes, slow or refused answers, reads that break, a feed that seems to have been reset. */
import { imageUid, studyUid } from "./day.ts";
import type { FaultKind } from "./fault.ts";

type Route = "feed" | "latest" | "metadata" | "query" | "any";

/** The next so many requests of a route get this status. */
function answers(route: Route, status: number, more: { body?: string; retryAfter?: string } = {}): FaultKind {
  return {
    lasts: [0, 0],
    weight: 0.7,
    begin({ dicom }, draw) {
      dicom.control.status({ route, status, ...more, times: draw.between(1, 8) });
      return () => {};
    },
  };
}

export const DICOM_FAULTS: Readonly<Record<string, FaultKind>> = {
  "dicom-late-commit": {
    // Up to beyond the grace period: then the entry is found by the late read.
    lasts: [100, 1500],
    weight: 3,
    group: "feed",
    begin({ dicom }, draw) {
      dicom.control.hold({ writes: draw.between(1, 6) });
      return () => {
        dicom.control.hold({ writes: 0 });
        dicom.control.release();
      };
    },
  },
  "dicom-hole": {
    lasts: [50, 600],
    group: "feed",
    begin({ dicom }, draw) {
      dicom.control.hold({ writes: draw.between(1, 2) });
      return () => {
        dicom.control.hold({ writes: 0 });
        dicom.control.rollBack();
      };
    },
  },
  "dicom-gap": {
    lasts: [0, 0],
    begin({ dicom }, draw) {
      dicom.control.gap({ size: draw.pick([1, 3, 150]) });
      return () => {};
    },
  },
  "dicom-slow-page": {
    lasts: [0, 0],
    begin({ dicom }, draw) {
      dicom.control.delay({ route: "feed", ms: draw.pick([300, 2500]), times: draw.between(1, 3) });
      return () => {};
    },
  },
  "dicom-slow-read": {
    lasts: [0, 0],
    begin({ dicom }, draw) {
      dicom.control.delay({ route: "metadata", ms: draw.pick([200, 600]), times: draw.between(1, 6) });
      return () => {};
    },
  },
  "dicom-401": answers("any", 401),
  "dicom-feed-503": answers("feed", 503),
  "dicom-feed-429": answers("feed", 429, { retryAfter: "1" }),
  "dicom-feed-html": answers("feed", 200, { body: "<html>sign in</html>" }),
  "dicom-latest-500": answers("latest", 500),
  "dicom-feed-seems-reset": answers("latest", 204),
  "dicom-read-500": answers("metadata", 500),
  "dicom-read-429": answers("metadata", 429, { retryAfter: "1" }),
  "dicom-query-503": answers("query", 503),
  "dicom-read-breaks": {
    lasts: [0, 0],
    begin({ run, dicom }, draw) {
      for (let n = draw.between(1, 4); n > 0; n--)
        dicom.control.breakStudyRead({
          study: studyUid(run, draw.below(14)),
          afterInstances: draw.below(4),
          times: draw.between(1, 3),
        });
      return () => {};
    },
  },
  "dicom-blob-unreadable": {
    // Some instances, or all of a study, for a while: nothing in the feed tells of the end.
    lasts: [200, 1500],
    weight: 1.5,
    group: "feed",
    begin({ run, dicom }, draw) {
      for (let n = draw.between(1, 3); n > 0; n--) {
        const study = draw.below(10);
        const instance = draw.chance(0.7) ? { instance: imageUid(run, study, draw.below(4)) } : {};
        dicom.control.badBlob({
          study: studyUid(run, study),
          ...instance,
          kind: draw.pick(["unparsable", "gone"]),
        });
      }
      return () => dicom.control.clearFaults();
    },
  },
  "dicom-down": {
    lasts: [300, 2500],
    begin: ({ dicomProxy }) => dicomProxy.add({ effect: { kind: "reset", when: "before" } }),
  },
  "dicom-half-answers": {
    lasts: [100, 800],
    begin: ({ dicomProxy }, draw) =>
      dicomProxy.add({ effect: { kind: "truncate" }, probability: 0.5, seed: draw.below(1e9) }),
  },
};
