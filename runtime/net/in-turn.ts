import type { ErrorStyle } from "./mistakes.js";

/** Serves calls one after another, in the order they were made. */
export interface Queue {
  /** Runs work when the calls made before it have ended. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Ends with `work`, once: calls after it are refused. */
  close(work: () => Promise<void>): Promise<void>;
}

/** What calls after `close` fail with, and what becomes of the errors of others. */
export function createQueue({ error, thrown }: Omit<ErrorStyle, "made">): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;
  return {
    inTurn(work) {
      const isLate = closing !== undefined;
      const result = last.then(() => {
        if (isLate) throw error([{ message: "This net has been closed" }]);
        return work();
      });
      last = result.catch(() => undefined);
      return thrown ? result.catch((reason: unknown) => Promise.reject(thrown(reason))) : result;
    },
    close(work) {
      closing ??= last.then(work);
      return closing;
    },
  };
}
