/** Lines and one line of progress below them: redrawn on a terminal; elsewhere printed now and then, when it has changed. */

export type Screen = {
  /** A line that stays. */
  line(text: string): void;
  /** The line of progress; replaces the one before. */
  progress(text: string): void;
  /** Leaves the cursor on a line of its own. */
  end(): void;
};

export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number };

/** Time between two lines of progress where none can be redrawn. */
const QUIET_MS = 2000;
const CLEAR = "\r\u001b[2K";

export function createScreen(output: Output, now: () => number = Date.now): Screen {
  const live = output.isTTY === true;
  let shown = "";
  let printedMs = now();
  const draw = (text: string) => {
    shown = text;
    output.write(CLEAR + text.slice(0, (output.columns ?? 80) - 1));
  };
  return {
    line(text) {
      const below = shown;
      if (live && below !== "") output.write(CLEAR);
      output.write(`${text}\n`);
      if (live && below !== "") draw(below);
    },
    progress(text) {
      if (text === shown) return;
      if (live) draw(text);
      else if (now() - printedMs >= QUIET_MS) {
        output.write(`${text}\n`);
        shown = text;
        printedMs = now();
      }
    },
    end() {
      if (live && shown !== "") output.write(CLEAR);
      shown = "";
    },
  };
}
