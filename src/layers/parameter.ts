/** The messages of settings in a layer. */
import { createMessage, has, type LayerParameter, messageInfo } from "../../proto/index.js";
import { InternalError } from "../errors/index.js";

/** Fields of a LayerParameter that hold one message of settings: `relu_param`, `loss_param` … */
export type ParameterField = Extract<keyof LayerParameter, `${string}_param`>;

/** The message in such a field. */
export type ParameterOf<F extends ParameterField> = NonNullable<LayerParameter[F]>;

/** A layer's settings in a field, as given or all defaults. */
export function parameterOf<F extends ParameterField>(layer: LayerParameter, field: F): ParameterOf<F> {
  const given = layer[field];
  if (given !== undefined) return given as ParameterOf<F>;
  const kind = messageInfo("LayerParameter").byName.get(field)!.kind;
  if (kind.is !== "message") throw new InternalError(`${field} is not a message`);
  // Not `defaultsOf`: that message reads as if it gave every field.
  return createMessage(kind.message) as unknown as ParameterOf<F>;
}

/** Whether a message gives a field itself. */
export const gives = <M extends object>(message: M, field: keyof M & string): boolean =>
  has(message as never, field as never);
