import { CortadoError, createDiagnostics, InternalError } from "../errors/index.js";
import { type LoweredNet, type LowerOptions, lowerNet } from "../layers/index.js";
import { type NetDef, wireNet } from "../prototxt/index.js";

/** Wires and lowers a net whose phase is selected. @throws CortadoError with every mistake found */
export function lowerDefinition(definition: NetDef, options: Omit<LowerOptions, "diagnostics">): LoweredNet {
  const diagnostics = createDiagnostics();
  const wiring = wireNet(definition, diagnostics);
  const lowered = lowerNet(definition, wiring, { ...options, diagnostics });
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  if (!lowered) throw new InternalError("a net without mistakes could not be lowered");
  return lowered;
}
