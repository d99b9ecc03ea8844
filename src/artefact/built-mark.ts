/** Stands in the first line of what a build writes as text: so that a build knows the files of an earlier one. */
export const BUILT_MARK = "Made by `cortado build`: do not edit.";
