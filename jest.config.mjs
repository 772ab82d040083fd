export default {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: {},
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testTimeout: 30_000,
  // Most tests wait for servers and child processes, so that more of them than cores run side by side.
  maxWorkers: 3,
  coverageProvider: "v8",
};
