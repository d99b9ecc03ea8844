/** Operations and bytes that a thread does in a millisecond, about: scalar JavaScript, which computes in doubles. */
export const SCALARS_PER_MILLISECOND = 2_000_000;
/** As much of WebAssembly in vectors of four lanes. */
export const VECTORS_PER_MILLISECOND = 20_000_000;
