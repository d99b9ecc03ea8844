/** The front end: prototxt to typed nets and solvers, with the place of every field. */

export { formatMessage, formatNet } from "../../proto/text/format-text.js";
export { parseMessage, type ReadOptions } from "../../proto/text/parse-text.js";
export { amend, nameSpanOf, spanOf } from "../../proto/text/spans.js";
export { DEFINE_LAYER, forkTypeHelp } from "../../proto/upgrade/forks.js";
export { upgradeNet, upgradeSolver } from "../../proto/upgrade/upgrade.js";
export { foreignFile, kindOfText, refuseForeign, type TextKind, UNKNOWN } from "./foreign.js";
export {
  meetsRule,
  type NetDef,
  type ParseOptions,
  parseNet,
  parseSolver,
  readNet,
  readSolver,
  type SelectedState,
  type SolverDef,
  selectLayers,
} from "./net-def.js";
export { folderOf, readTextFile, samePath } from "./text-file.js";
export { type BlobVersion, type WiredLayer, type Wiring, wireNet } from "./wire.js";
