import { fields, integer } from "../../proto/arguments/argument-rules.js";

/** Height and width. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

export const imageSizeRule = fields<ImageSize>(
  { height: integer(1), width: integer(1) },
  { noun: "an object, { height, width }", needed: ["height", "width"], closed: () => "a size has no field" },
);
