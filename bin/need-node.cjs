// Plain CommonJS, so that an old Node can still say what it lacks.
if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    `studycast needs Node 24 or newer, this is ${process.version}. Run "npm ci" without --ignore-scripts and --omit=optional (it brings Node 24 into node_modules), or install Node 24.`,
  );
  process.exit(1);
}
