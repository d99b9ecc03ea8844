/** What a command talks to: so that a test can run it in its own process, and a terminal or a pipe is one thing. */

/** Where text goes. It never throws: who made it is told what could not be written. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** A file: nobody else shows on a terminal what is written to it. */
  readonly isFile?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
  /** Calls a listener when the terminal has another width, until the function returned is called. */
  onResize?(listener: () => void): () => void;
}

/** What is asked of a running command from outside. SIGPIPE: its output cannot be written any more, for whatever reason. */
export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGPIPE";

export interface Io {
  /** Results. */
  readonly stdout: Output;
  /** Diagnostics and progress bars. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of the arguments start. */
  readonly cwd: string;
  /**
   * Calls a listener at each signal, in place of ending the process, until the function returned is called.
   * Absent where nobody can interrupt.
   */
  readonly onSignal?: (listener: (signal: Signal) => void) => () => void;
}

export type Colour = "bold" | "dim" | "red" | "yellow" | "green" | "cyan";

const CODES: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Puts a text in colours, or leaves it as it is. */
export type Paint = (text: string, ...colours: readonly Colour[]) => string;

/** Colours are for terminals, and not where NO_COLOR is set to anything (https://no-color.org). */
export const hasColours = (output: Output, env: Io["env"]): boolean =>
  output.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";

export function painter(output: Output, env: Io["env"]): Paint {
  if (!hasColours(output, env)) return (text) => text;
  return (text, ...colours) =>
    colours.reduceRight((inner, colour) => {
      const [on, off] = CODES[colour];
      return `\x1b[${on}m${inner}\x1b[${off}m`;
    }, text);
}

/** Whether the terminal is said to show more than ASCII. */
export const hasUnicode = (env: Io["env"]): boolean =>
  /utf-?8/i.test(env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "");
