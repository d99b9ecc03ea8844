/** The front end: prototxt to typed nets and solvers, with the place of every field. */

export { DEFINE_LAYER, forkTypeHelp, forkTypes } from "./forks.js";
export { formatMessage, formatNet } from "./format.js";
export {
  meetsRule,
  type NetDef,
  type ParseOptions,
  parseNet,
  parseSolver,
  readNet,
  type SelectedState,
  type SolverDef,
  selectLayers,
} from "./net.js";
export { parseMessage, type ReadOptions } from "./parse.js";
export { amend, nameSpanOf, spanOf } from "./spans.js";
export { upgradeNet, upgradeSolver } from "./upgrade.js";
export { type BlobVersion, type WiredLayer, type Wiring, wireNet } from "./wire.js";
