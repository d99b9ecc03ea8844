/** The messages of settings in a layer. */

import { InternalError } from "../../proto/errors/index.js";
import {
  createMessageOf,
  type FieldInfo,
  fieldInfo,
  has,
  type LayerParameter,
  messageInfo,
} from "../../proto/index.js";

/** Fields of a LayerParameter that hold one message of settings: `relu_param`, `loss_param` … */
export type ParameterField = Extract<keyof LayerParameter, `${string}_param`>;

/** The message in such a field. */
export type ParameterOf<F extends ParameterField> = NonNullable<LayerParameter[F]>;

/** A layer's settings in a field, as given or all defaults. */
export function parameterOf<F extends ParameterField>(layer: LayerParameter, field: F): ParameterOf<F> {
  const given = layer[field];
  if (given !== undefined) return given as ParameterOf<F>;
  const { kind } = fieldInfo(messageInfo("LayerParameter"), field);
  if (kind.is !== "message") throw new InternalError(`${field} is not a message`);
  // Not `defaultsOf`: that message reads as if it gave every field.
  return createMessageOf(kind.info()) as unknown as ParameterOf<F>;
}

/** What of a layer type says where its settings stand. */
interface HasSettings {
  readonly parameter?: ParameterField;
  readonly declared?: FieldInfo;
}

/** The message of settings that a layer gives, in Caffe's field or the type's own. */
export function givenSettings(layer: LayerParameter, type: HasSettings): object | undefined {
  const field = type.declared?.name ?? type.parameter;
  if (field === undefined || !Object.hasOwn(layer, field)) return undefined;
  return layer[field as ParameterField];
}

/** A layer's settings as given or all defaults; the layer itself where its type has none. */
export function settingsOf(layer: LayerParameter, type: HasSettings): object {
  const given = givenSettings(layer, type);
  if (given) return given;
  if (type.declared?.kind.is === "message") return createMessageOf(type.declared.kind.info());
  return type.parameter === undefined ? layer : parameterOf(layer, type.parameter);
}

/** Whether a message gives a field itself. */
export const gives = <M extends object>(message: M, field: keyof M & string): boolean =>
  has(message as never, field as never);
