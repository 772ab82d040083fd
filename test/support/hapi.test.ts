import { expect, test } from "@jest/globals";
import { wasUnreachable } from "./hapi.ts";

test.each([
  "[ERROR] Plugin org.apache.maven.plugins:maven-resources-plugin:2.6 or one of its dependencies could not be resolved: Could not transfer artifact x from/to central",
  "[ERROR] Non-resolvable import POM: Cannot access central in offline mode and the artifact has not been downloaded from it before",
  "[ERROR] Unknown host repo.maven.apache.org: Temporary failure in name resolution",
])("a build that could not fetch its jars is left out: %s", (output) => {
  expect(wasUnreachable(output)).toBe(true);
});

test("a build that does not compile is a failure", () => {
  expect(wasUnreachable("[ERROR] COMPILATION ERROR :\n[ERROR] FhirServer.java:[3,8] cannot find symbol")).toBe(false);
});
