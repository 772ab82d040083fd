import { describe, expect, test } from "@jest/globals";
import { createMetrics, METRIC_PREFIX, METRICS } from "../src/metrics.ts";

describe("metrics", () => {
  test("every row of the table is on the page with its help, by the conventions of Prometheus", async () => {
    const page = await createMetrics({ process: false }).page();
    for (const [name, { type, help }] of Object.entries(METRICS)) {
      expect(page).toContain(`# HELP ${METRIC_PREFIX}${name} ${help}\n# TYPE ${METRIC_PREFIX}${name} ${type}\n`);
      expect([name, type === "counter"]).toEqual([name, name.endsWith("_total")]);
      expect([name, type !== "histogram" || name.endsWith("_seconds")]).toEqual([name, true]);
    }
  });

  test("counters and histograms only grow", async () => {
    const metrics = createMetrics({ process: false });
    metrics.inc("syncs_total", 2, { outcome: "written" });
    metrics.inc("syncs_total", 1, { outcome: "written" });
    metrics.observe("lag_end_to_end_seconds", -5, { priority: "live" }); // clocks that differ
    expect(() => metrics.inc("syncs_total", -1, { outcome: "written" })).toThrow();
    const page = await metrics.page();
    expect(page).toContain('studycast_syncs_total{outcome="written"} 3');
    expect(page).toContain('studycast_lag_end_to_end_seconds_sum{priority="live"} 0');
  });

  test("a code nothing waits for any more leaves the page", async () => {
    const metrics = createMetrics({ process: false });
    metrics.setAll("waiting_studies", { ISSUER_UNKNOWN: 2, PATIENT_AMBIGUOUS: 1 });
    metrics.setAll("waiting_studies", { PATIENT_AMBIGUOUS: 3 });
    const page = await metrics.page();
    expect(page).toContain('studycast_waiting_studies{code="PATIENT_AMBIGUOUS"} 3');
    expect(page).not.toContain("ISSUER_UNKNOWN");
  });

  test("the process's own metrics are there when asked for", async () => {
    expect(await createMetrics({ process: true }).page()).toContain("studycast_process_cpu_seconds_total");
  });
});
