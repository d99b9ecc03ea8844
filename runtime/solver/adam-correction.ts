/**
 * Adam's correction of iteration t = iteration + 1: √(1 − β₂ᵗ) / (1 − β₁ᵗ), in float32. A file of its own, without
 * imports, so that a built net can carry it.
 */
export const adamCorrection = (
  iteration: number,
  { momentum, momentum2 }: { readonly momentum: number; readonly momentum2: number },
): number => Math.fround(Math.sqrt(1 - momentum2 ** (iteration + 1)) / (1 - momentum ** (iteration + 1)));
