/**
 * Where in a text each field of a message stands: a side table, so that messages stay plain values. Messages that
 * came from a binary file, or were made in code, simply have no places.
 */

import type { Span } from "../errors/index.js";
import { type Message, withFields } from "../index.js";

interface FieldPlaces {
  readonly names: Span[];
  readonly values: Span[];
}

interface Places {
  whole: Span;
  readonly fields: Map<string, FieldPlaces>;
}

const places = new WeakMap<object, Places>();

/**
 * The place of a message (from its field name to its closing brace), or of a field's value. A repeated field has
 * one place for each value: without an index, the first one's.
 */
export function spanOf(message: object, field?: string, index = 0): Span | undefined {
  const found = places.get(message);
  if (field === undefined) return found?.whole;
  return found?.fields.get(field)?.values[index];
}

/** The place of a field's name, as `spanOf`. */
export function nameSpanOf(message: object, field: string, index = 0): Span | undefined {
  return places.get(message)?.fields.get(field)?.names[index];
}

/** Notes where a message stands. */
export function placeMessage(message: object, whole: Span): void {
  placesAt(message, whole);
}

function placesAt(message: object, whole: Span): Places {
  const found = places.get(message) ?? { whole, fields: new Map<string, FieldPlaces>() };
  found.whole = whole;
  places.set(message, found);
  return found;
}

/** Notes where a field's name and value stand; for a repeated field, the next one's. */
export function placeField(message: object, field: string, name: Span, value: Span): void {
  const found = places.get(message);
  if (found === undefined) throw new TypeError("placeMessage comes first");
  const known = found.fields.get(field);
  if (known === undefined) found.fields.set(field, { names: [name], values: [value] });
  else {
    known.names.push(name);
    known.values.push(value);
  }
}

/**
 * Gives `to` the places of `from`: all fields under the same name, or, with `renamed`, only those it lists, under
 * their new names. Places that `to` has already are kept.
 */
export function carryPlaces(
  from: object,
  to: object,
  renamed?: readonly (readonly [from: string, to: string])[],
): void {
  const source = places.get(from);
  if (source === undefined) return;
  const target = placesAt(to, places.get(to)?.whole ?? source.whole).fields;
  const pairs = renamed ?? Array.from(source.fields.keys(), (name) => [name, name] as const);
  for (const [oldName, newName] of pairs) {
    const found = source.fields.get(oldName);
    if (found && !target.has(newName)) target.set(newName, found);
  }
}

/** Notes anew where the messages of a repeated field stand, after some were added, removed or made over. */
export function placeItems(message: object, field: string, items: readonly object[]): void {
  const found = places.get(message);
  if (found === undefined) return;
  const spans = items.map((item) => places.get(item)?.whole ?? found.whole);
  found.fields.set(field, { names: spans, values: spans });
}

/** `withFields`, with the places kept. */
export function amend<M extends Message>(message: M, patch: Partial<M>): M {
  const changed = withFields(message, patch);
  carryPlaces(message, changed);
  return changed;
}
