/** What a rule's scalars are computed from, each rounded to float32. */
export interface ScalarConstants {
  readonly momentum: number;
  readonly momentum2: number;
}

/**
 * What update rules are fed at an iteration (from 0) beside the rate, by name: computed on the host. A file without
 * imports, so that a built net can carry it.
 */
export const RULE_SCALARS = {
  /** Adam's, of t = iteration + 1: √(1 − β₂ᵗ) / (1 − β₁ᵗ), in float32. */
  correction: (iteration, { momentum, momentum2 }) =>
    Math.fround(Math.sqrt(1 - momentum2 ** (iteration + 1)) / (1 - momentum ** (iteration + 1))),
} as const satisfies Readonly<Record<string, (iteration: number, constants: ScalarConstants) => number>>;

export type RuleScalar = keyof typeof RULE_SCALARS;
