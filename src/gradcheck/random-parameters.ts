import { present } from "../../proto/errors/index.js";
import type { CompiledNet } from "../net/compiled-net.js";
import { internalsOf } from "../net/internals.js";
import { randomNetValues } from "./net-values.js";

/** Values for every parameter, from a seed: a net to be deployed has no fillers, and nothing can be seen of zeros. */
export async function writeRandomParameters(net: CompiledNet, seed: number): Promise<void> {
  const { lowered, params } = present(internalsOf(net), "a compiled net's internals");
  const random = randomNetValues({ text: "", inputs: [], seed }, lowered);
  for (const [i, { kind }] of lowered.params.entries())
    if (kind !== "carried") await params.memories[i].write(random.params[i]);
}
