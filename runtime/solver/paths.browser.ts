/** Paths that a solver names: a page has no files. */

export const existing = async (_path: string, _folders: readonly string[]): Promise<string | undefined> =>
  undefined;

export const besideState = async (model: string, _state: string): Promise<string> => model;
