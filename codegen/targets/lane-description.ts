import { InternalError, orList, userError } from "../../proto/errors/index.js";
import type { LanesDescription, TargetDescription } from "../ir/target-description.js";

/**
 * What a target with lanes lowers kernels by on one of its architectures. The parallel loop has many iterations, so that
 * threads share it evenly whatever their number.
 *
 * @throws CortadoError for an architecture that is not known
 */
export function laneDescription<Architecture extends string>(
  target: string,
  architectures: Readonly<Record<Architecture, LanesDescription>>,
  architecture: string,
): TargetDescription {
  if (!isArchitecture(architectures, architecture))
    throw userError(
      `there is no architecture "${architecture}" of target ${target}`,
      `there is ${orList(Object.keys(architectures))}`,
    );
  return {
    tile: { rows: 4, columns: 4 },
    parallelIterations: 64,
    unrolledWindow: 9,
    lanes: architectures[architecture],
  };
}

/** Names that were checked, as those of architectures. */
export const architecturesNamed = <Architecture extends string>(
  architectures: Readonly<Record<Architecture, unknown>>,
  names: readonly string[],
): readonly Architecture[] =>
  names.map((name) => {
    if (!isArchitecture(architectures, name)) throw new InternalError(`there is no architecture "${name}"`);
    return name;
  });

const isArchitecture = <Architecture extends string>(
  architectures: Readonly<Record<Architecture, unknown>>,
  name: string,
): name is Architecture => Object.hasOwn(architectures, name);
