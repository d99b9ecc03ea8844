/** A page is not told: what it cannot have is refused when it asks. */
export const memoryLimit = (): number => Number.POSITIVE_INFINITY;
