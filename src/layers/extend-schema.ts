import { userError } from "../../proto/errors/index.js";
import {
  extendSchema,
  type FieldInfo,
  type LayerParameter,
  messageInfo,
  messageOf,
  type Schema,
} from "../../proto/index.js";
import type { LayerType } from "./record.js";

/**
 * The schema with the fields that these layer types declare: a prototxt is parsed by it. Of two types of one name the
 * later one counts, as in `knownLayerTypes`.
 *
 * @throws CortadoError where two of them declare one field, or one number, differently
 */
export function schemaWith(types: readonly LayerType[] = []): Schema {
  const own = [...new Map(types.map((type) => [type.type, type])).values()];
  const fields = new Map<string, { readonly field: FieldInfo; readonly by: LayerType }>();
  const numbers = new Map([...messageInfo("LayerParameter").byId].map(([id, { name }]) => [id, name]));
  for (const by of own) {
    if (!by.declared || !by.param) continue;
    const { name, id } = by.declared;
    const known = fields.get(name);
    if (known) {
      if (known.by.param === by.param) continue;
      throw userError(
        `layer types ${known.by.type} and ${by.type} both declare ${name}`,
        "one of them needs another name; types that share their settings share one value of param",
      );
    }
    const taken = by.param.number === undefined ? undefined : numbers.get(by.param.number);
    if (taken !== undefined)
      throw userError(
        `layer type ${by.type} gives ${name} the number ${by.param.number}, which is ${taken}'s`,
        "leave the number out, or take another",
      );
    // Without a number of its own a field takes the next free one.
    let free = id;
    while (numbers.has(free)) free++;
    numbers.set(free, name);
    fields.set(name, { field: { ...by.declared, id: free }, by });
  }
  return extendSchema(
    "LayerParameter",
    [...fields.values()].map(({ field }) => field),
  );
}

/** A layer of a type made of plain values, the messages inside it too. */
export const layerOf = (type: LayerType, plain: object): LayerParameter =>
  messageOf(schemaWith([type])("LayerParameter"), { type: type.type, ...plain }) as LayerParameter;
