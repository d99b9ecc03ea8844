/** Drawn nets for fast-check, which is loaded only when something is drawn. */
import type { Arbitrary } from "fast-check";
import { CHOICE_BITS, type DrawnNet, drawFrom, type MakeNet } from "./random-net.js";

export type FastCheck = typeof import("fast-check");

const MOST_CHOICES = 90;

/** Loads fast-check. */
export const loadFastCheck = (): Promise<FastCheck> => import("fast-check");

/** Nets that shrink with their choices; a counterexample prints itself as seed and prototxt. */
export function drawnNets(fc: FastCheck, make: MakeNet): Arbitrary<DrawnNet> {
  const choice = fc.noBias(fc.nat(2 ** CHOICE_BITS - 1));
  return fc
    .record({
      choices: fc.array(choice, { minLength: MOST_CHOICES, maxLength: MOST_CHOICES }),
      seed: fc.noBias(fc.nat()),
    })
    .map(({ choices, seed }): DrawnNet => {
      const net = { ...make(drawFrom(choices)), seed };
      return Object.defineProperty(net, fc.toStringMethod, {
        value: () => `values of seed ${seed}\n${net.text}`,
      });
    });
}
