/** The parts of a Dockerfile that the tests look at: stages with their instructions, continued lines joined. */

export type Instruction = { name: string; text: string };
export type Stage = { from: string; name: string | undefined; instructions: Instruction[] };

export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n");
  for (const line of lines) {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === "FROM") {
      const [, from = "", , as] = /^(\S+)(\s+AS\s+(\S+))?$/.exec(rest) ?? [];
      stages.push({ from, name: as, instructions: [] });
    } else if (name !== "") stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
}

/** The last instruction of that name. */
export function lastOf(stage: Stage, name: string): string {
  return stage.instructions.findLast((instruction) => instruction.name === name)?.text ?? "";
}

/** All instructions of that name. */
export function allOf(stage: Stage, name: string): string[] {
  return stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

/** The words of `CMD ["a", "b"]`. */
export function words(json: string): string[] {
  const parsed: unknown = JSON.parse(json.slice(json.indexOf("[")));
  return Array.isArray(parsed) ? parsed.map(String) : [];
}
