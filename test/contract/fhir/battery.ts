/**
 * What studycast needs of a FHIR server (R4 or R5, as its capability statement says), as tests over HTTP. The reading says which documented answer applies where HAPI
 * and the strict reading differ; everything else holds for both. Each test uses ids of its own, so a server that holds other
 * resources, or an earlier run's, is fine.
 */
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { exchangeWith } from "./exchange.ts";
import { type Contract, fixturesOf, patient, put, type Reading, statusesOf } from "./fixtures.ts";
import { describeHapiOnly } from "./hapi-only.ts";
import { describeSearches } from "./searches.ts";
import { describeTransactions } from "./transactions.ts";
import { describeWrites } from "./writes.ts";

export function describeFhirContract(name: string, base: () => string, reading: Reading): void {
  describe(`FHIR contract: ${name}`, () => {
    const contract: Contract = {
      fhir: exchangeWith(""),
      base: "",
      reading,
      fhirVersion: "4.0.1",
      ...fixturesOf(false),
      stale: reading === "hapi" ? 409 : 412,
      onlyHapi: (reading === "hapi" ? test : test.skip) as typeof test,
      createPair: async () => {
        const [p, s] = [randomUUID(), randomUUID()];
        const reply = await contract.fhir.transaction([put(patient(p)), put(contract.study(s, `Patient/${p}`))]);
        expect([reply.status, ...statusesOf(reply)]).toEqual([200, 201, 201]);
        return { p, s };
      },
    };
    // The server's address is known only when the tests run.
    beforeAll(async () => {
      contract.base = base();
      contract.fhir = exchangeWith(contract.base);
      contract.fhirVersion = String((await contract.fhir.send("GET", "/metadata")).body["fhirVersion"]);
      Object.assign(contract, fixturesOf(contract.fhirVersion.startsWith("5.")));
    });
    describeWrites(contract);
    describeTransactions(contract);
    describeSearches(contract);
    describeHapiOnly(contract);
  });
}
