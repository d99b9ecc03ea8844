import { either, fields, type Rule } from "../../proto/arguments/argument-rules.js";
import { bytes, path } from "../../proto/arguments/file-rules.js";
import type { SnapshotContent } from "./events.js";

/** What a solver goes on from: the path of a `.solverstate`, or the content of a snapshot. */
export const snapshotSource: Rule<string | SnapshotContent> = either<string | SnapshotContent>(
  path,
  fields<SnapshotContent>(
    { model: bytes, state: bytes },
    { noun: "the content of a snapshot", needed: ["model", "state"] },
  ),
);
