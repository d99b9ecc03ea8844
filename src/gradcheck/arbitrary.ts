/** Random nets for fast-check, which is loaded only when one is made. */
import type { Arbitrary } from "fast-check";
import { CHOICE_BITS, drawFrom, type MakeNet, type RandomNet } from "./random-net.js";

export type FastCheck = typeof import("fast-check");

const MOST_CHOICES = 90;

export const loadFastCheck = (): Promise<FastCheck> => import("fast-check");

/** Nets that shrink with their choices; a counterexample prints itself as seed and prototxt. */
export function randomNets(fc: FastCheck, make: MakeNet): Arbitrary<RandomNet> {
  const choice = fc.noBias(fc.nat(2 ** CHOICE_BITS - 1));
  return fc
    .record({
      choices: fc.array(choice, { minLength: MOST_CHOICES, maxLength: MOST_CHOICES }),
      seed: fc.noBias(fc.nat()),
    })
    .map(({ choices, seed }): RandomNet => {
      const net = { ...make(drawFrom(choices)), seed };
      return Object.defineProperty(net, fc.toStringMethod, {
        value: () => `values of seed ${seed}\n${net.text}`,
      });
    });
}
