/** The gradient check's random nets, for tests that compute them otherwise. */
import * as fc from "fast-check";
import { randomNets } from "../../src/gradcheck/arbitrary.js";
import { layeredNet as makeLayered, singleLayerNet as makeSingle } from "../../src/gradcheck/make-nets.js";
import {
  differentiableTypes as allDifferentiable,
  type MakeNet,
  type RandomNet,
} from "../../src/gradcheck/random-net.js";
import type { LayerType } from "../../src/layers/index.js";

export { type InputDomain, isDifferentiable, type RandomNet } from "../../src/gradcheck/random-net.js";

export const differentiableTypes: readonly LayerType[] = allDifferentiable();

export const netsOf = (make: MakeNet): fc.Arbitrary<RandomNet> => randomNets(fc, make);

/** One layer of a type over inputs. `type` may be one that Cortado does not have. */
export const singleLayerNet = (type: LayerType): fc.Arbitrary<RandomNet> => netsOf(makeSingle(type));

export const layeredNet: fc.Arbitrary<RandomNet> = netsOf(makeLayered);
