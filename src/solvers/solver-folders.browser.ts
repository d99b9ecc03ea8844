/** Where the files of a solver lie: a page has none. */
export const placeOfSolver = (
  _file: string | undefined,
  _root: string | undefined,
): { readonly own: readonly string[]; readonly folders: readonly string[]; readonly folder?: string } => ({
  own: [],
  folders: [],
});

export const fileOfSolver = async (_file: string | undefined, _name: string): Promise<string | undefined> =>
  undefined;
