import { type RealArray, type RealType, realBytes } from "../../../codegen/ir/real.js";
import type { Argument } from "../../../codegen/kernel/kernel.js";
import { InternalError } from "../../../proto/errors/index.js";
import type { ParamMemory, ParamStore } from "../../device.js";
import { allocateShared } from "../../memory.js";

/** A parameter in this process: shared memory, so that kernel threads see the same bytes. */
export interface SharedParam extends ParamMemory {
  readonly array: RealArray;
}

/** @throws CortadoError where the machine does not grant the memory */
export function allocateParam(dtype: RealType, elements: number): SharedParam {
  const memory = allocateShared(elements * realBytes(dtype), "the parameters");
  const array = dtype === "float32" ? new Float32Array(memory) : new Float64Array(memory);
  return {
    array,
    elements,
    read: async () => array.slice(),
    write: async (values) => array.set(values),
  };
}

function arrayOf(memory: ParamMemory): RealArray {
  if (!("array" in memory)) throw new InternalError("a parameter lies on another device than its net");
  return (memory as SharedParam).array;
}

/** The typed view of one launch argument, over the arena or over a parameter: live memory. */
export function viewOf(
  argument: Argument,
  arena: SharedArrayBuffer,
  params: ParamStore,
): RealArray | Int32Array {
  if (argument.storage === "param") {
    const array = arrayOf(params.memories[argument.param]);
    return array.subarray(argument.offset, argument.offset + argument.elements);
  }
  if (argument.dtype === "index") return new Int32Array(arena, argument.byteOffset, argument.elements);
  return params.dtype === "float32"
    ? new Float32Array(arena, argument.byteOffset, argument.elements)
    : new Float64Array(arena, argument.byteOffset, argument.elements);
}
