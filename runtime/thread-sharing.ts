/** Why threads cannot share memory here, as a clause; undefined where they can. */
export const threadsRefused = (): string | undefined => undefined;
