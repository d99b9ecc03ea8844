import { CortadoError, createDiagnostics, type Diagnostic, InternalError } from "../../proto/errors/index.js";
import { type LayerType, type LoweredNet, type LowerOptions, lowerNet, NOT_OPENED } from "../layers/index.js";
import { type NetDef, type SelectedState, selectLayers, wireNet } from "../net-text/index.js";
import { checkFillers } from "./fill-params.js";

/** Wires and lowers a net whose phase is selected. @throws CortadoError with every mistake found */
export function lowerDefinition(definition: NetDef, options: Omit<LowerOptions, "diagnostics">): LoweredNet {
  const diagnostics = createDiagnostics();
  const wiring = wireNet(definition, diagnostics);
  const lowered = lowerNet(definition, wiring, { ...options, diagnostics });
  checkFillers(definition, diagnostics);
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  if (!lowered) throw new InternalError("a net without mistakes could not be lowered");
  return lowered;
}

/**
 * Mistakes of the layers that can be looked at, of a net with mistakes in its text: what a reader of the whole net
 * would see at once. Data sources are not opened; what depends on their shapes is not looked at.
 */
export function furtherMistakes(
  whole: NetDef,
  state: SelectedState,
  types?: readonly LayerType[],
): readonly Diagnostic[] {
  const diagnostics = createDiagnostics();
  try {
    const definition = selectLayers(whole, state);
    const wiring = wireNet(definition, definition.incomplete ? createDiagnostics() : diagnostics);
    lowerNet(definition, wiring, { phase: state.phase, feedShapes: new Map(), diagnostics, types });
    checkFillers(definition, diagnostics);
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    return error.diagnostics;
  }
  return diagnostics.all.filter(({ message }) => !message.endsWith(NOT_OPENED));
}
