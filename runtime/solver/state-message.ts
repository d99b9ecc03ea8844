/** The state of a solver as a message. */

import { createMessage, decodeMessage, encodeMessage } from "../../proto/index.js";
import { valuesOfBlob } from "../blob-proto.js";

/** One tensor of a solver's history. */
export interface SavedBlob {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a `.solverstate` holds. */
export interface SavedState {
  readonly iteration: number;
  readonly currentStep: number;
  /** The path of the weights; empty where none is named. */
  readonly model: string;
  /** Slot by slot, each slot over all parameters. */
  readonly history: readonly SavedBlob[];
}

/** The bytes of a state in the binary form. */
export function encodeState({ iteration, currentStep, model, history }: SavedState): Uint8Array {
  return encodeMessage("SolverState", {
    iter: iteration,
    learned_net: model,
    history: history.map(({ shape, data }) =>
      createMessage("BlobProto", { shape: createMessage("BlobShape", { dim: shape }), data }),
    ),
    current_step: currentStep,
  });
}

/**
 * Reads the binary form.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when it is damaged
 */
export function decodeState(bytes: Uint8Array, what: string): SavedState {
  const { iter, learned_net, history, current_step } = decodeMessage("SolverState", bytes, what);
  return {
    iteration: iter,
    currentStep: current_step,
    model: learned_net,
    history: history.map(valuesOfBlob),
  };
}
