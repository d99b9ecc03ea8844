import { userError } from "../../../proto/errors/index.js";

/**
 * Runs a function body, whose name shows in stack traces. Nothing but globals is in its scope.
 *
 * @throws CortadoError where the page's policy allows no code that is made of text
 */
export function evaluate(body: string, filename: string): unknown {
  let made: () => unknown;
  try {
    made = new Function(`${body}\n//# sourceURL=${filename}`) as () => unknown;
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    throw userError(
      "target ts makes code of text, which this page's Content-Security-Policy does not allow",
      "target wasm needs 'wasm-unsafe-eval' only, target ts 'unsafe-eval'",
    );
  }
  return made();
}
