import { shortNumber } from "../../runtime/solver/events.js";

/** A net on which backward is not the derivative of forward. */
export interface GradientFailure {
  /** The smallest net found that shows it. */
  readonly prototxt: string;
  /** With that net, `checkGradients(prototxt, { seed, runs: 1 })` repeats it. */
  readonly seed: number;
  /** What was moved: "everything", or one parameter or input of a given net. */
  readonly along: string;
  /** The derivative along the direction by backward, and by central differences of forward. */
  readonly backward: number;
  readonly differences: number;
  /** |backward − differences| over the scale of the two. */
  readonly error: number;
}

/** What was compared along one kind of direction. */
export interface GradientPart {
  /** "everything", `conv1[0]` for a parameter, or the name of an input blob. */
  readonly name: string;
  readonly kind: "everything" | "parameter" | "input";
  readonly shape: readonly number[];
  readonly checked: number;
  /** Points left out: not smooth within the smallest step. */
  readonly kinks: number;
  readonly worst: number;
}

export interface GradientReport {
  /** Comparisons made. */
  readonly checked: number;
  /** Points left out, for the function is not smooth there. */
  readonly kinks: number;
  /** The greatest relative error of the comparisons that are no failure. */
  readonly worst: number;
  readonly failures: readonly GradientFailure[];
  /** Of a given net: everything at once, then each parameter and each input by itself. */
  readonly parts: readonly GradientPart[];
}

/** A report in words: one line, and the net of each failure. */
export function formatGradientReport({ checked, kinks, worst, failures }: GradientReport): string {
  const head = `${checked} directions compared, worst relative error ${worst.toExponential(1)}, ${kinks} at a kink left out`;
  const found = failures.map(
    ({ prototxt, seed, along, backward, differences, error }) =>
      `along ${along}, backward gives ${shortNumber(backward)} and differences ${shortNumber(differences)}: relative error ${error.toExponential(1)}, with values of seed ${seed}\n${prototxt}`,
  );
  return [failures.length > 0 ? `${failures.length} wrong of ${head}` : head, ...found].join("\n\n");
}
