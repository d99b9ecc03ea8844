/** How layer types are made outside of this package: as in the catalogue, with everything that is given checked. */

import { awayFrom as away } from "./domain.js";
import { elementwise as makeElementwise } from "./elementwise.js";
import { AWAY_FROM, DEFINE_LAYER_TYPE, ELEMENTWISE, KNOWN_LAYER_TYPES } from "./layer-arguments.js";
import { guardDefinition } from "./own-definition.js";
import { defineLayer as makeLayer } from "./record.js";
import { knownLayerTypes as known } from "./registry.js";

/**
 * Makes a layer type of a record: its settings in one of Caffe's fields (`parameter`), in a block of its own (`param`,
 * whose fields `context.parameter` has, typed), or none. A type that is there already may be given with some of its fields
 * set otherwise.
 *
 * @throws CortadoError with every mistake in the record
 */
export const defineLayer: typeof makeLayer = (record: unknown) =>
  guardDefinition(makeLayer(DEFINE_LAYER_TYPE(record).record));

/**
 * Makes a layer type of one bottom, one top, and a scalar function.
 *
 * @throws CortadoError with every mistake in the record
 */
export const elementwise: typeof makeElementwise = (record: unknown) =>
  guardDefinition(makeElementwise(ELEMENTWISE(record).record as never));

/** Values away from a function's kinks, points where its derivative jumps: from −2 to 2, at least 0.05 from each. */
export const awayFrom: typeof away = (...kinks) => away(...AWAY_FROM(kinks).kinks);

/** Layer types by name: Cortado's own, and after them `more`, which may replace one of the same name. */
export const knownLayerTypes: typeof known = (more) => known(KNOWN_LAYER_TYPES(more).more);
