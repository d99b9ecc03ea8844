import type { Diagnostics } from "../../proto/errors/index.js";
import {
  type FillerParameter,
  has,
  infoOf,
  type LayerParameter,
  type Message,
  typeOf,
} from "../../proto/index.js";
import { quotedLayer } from "../../proto/words/names.js";
import { fillerProblem } from "../../runtime/random/index.js";
import { type NetDef, spanOf } from "../net-text/index.js";

/** Reports every filler of a net that cannot be used, at its place. */
export function checkFillers({ net, damaged }: NetDef, diagnostics: Diagnostics): void {
  for (const layer of net.layer) {
    if (damaged.has(layer)) continue;
    for (const filler of fillersOf(layer)) {
      const [problem] = fillerProblem(filler)?.diagnostics ?? [];
      if (problem)
        diagnostics.report({
          ...problem,
          message: `${quotedLayer(layer.name, layer.type)}: ${problem.message}`,
          span: spanOf(filler, "type") ?? spanOf(filler),
        });
    }
  }
}

/** The fillers that a layer's settings give: fields of type FillerParameter in its parameter messages. */
function fillersOf(layer: LayerParameter): readonly FillerParameter[] {
  return messagesIn(layer).flatMap((settings) =>
    messagesIn(settings).flatMap((inner) =>
      typeOf(inner) === "FillerParameter" ? [inner as FillerParameter] : [],
    ),
  );
}

/** The messages that a message's own fields hold. */
function messagesIn(message: Message): readonly Message[] {
  return infoOf(message).fields.flatMap(({ name, kind, repeated }) => {
    if (kind.is !== "message" || !has(message, name as never)) return [];
    const value: unknown = message[name as keyof Message];
    return repeated ? (value as readonly Message[]) : [value as Message];
  });
}
