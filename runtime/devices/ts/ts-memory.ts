import { type RealType, realBytes } from "../../../codegen/ir/real.js";
import { allocateShared } from "../../memory.js";
import { type ArrayParam, paramIn } from "../threads/inline-executor.js";

/**
 * A parameter in this process: shared memory, so that kernel threads see the same bytes.
 *
 * @throws CortadoError where the machine does not grant the memory
 */
export function allocateParam(dtype: RealType, elements: number): ArrayParam {
  const memory = allocateShared(elements * realBytes(dtype), "the parameters");
  return paramIn(dtype === "float32" ? new Float32Array(memory) : new Float64Array(memory));
}
