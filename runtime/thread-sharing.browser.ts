/** Why threads cannot share memory here, as a clause; undefined where they can. */
export const threadsRefused = (): string | undefined =>
  crossOriginIsolated
    ? undefined
    : "the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)";
