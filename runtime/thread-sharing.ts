/** More threads than any machine has cores are a mistake, and each costs memory. */
export const MOST_THREADS = 1024;

/** Why threads cannot share memory here, as a clause; undefined where they can, as always in Node. */
export const threadsRefused = (): string | undefined =>
  (globalThis as { readonly crossOriginIsolated?: boolean }).crossOriginIsolated === false
    ? "the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)"
    : undefined;

/** What is said, and what to do instead, where somebody asks for threads that there cannot be; undefined where there can. */
export function refusedThreads(asked: number): readonly [message: string, hint: string] | undefined {
  const refused = asked > 1 ? threadsRefused() : undefined;
  if (refused === undefined) return undefined;
  return [`threads: ${asked} cannot be had: ${refused}`, "threads: 1, or no such option, runs on one"];
}
