import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { InternalError } from "../../proto/errors/index.js";
import { codeOf } from "../../proto/words/trouble.js";

type TypeScript = typeof import("ts-morph").ts;
type Statement = import("ts-morph").ts.Statement;
type SourceFile = import("ts-morph").ts.SourceFile;

export interface EmitOptions {
  /** Node's own modules may be imported. Default: nothing but the files gathered. */
  readonly node?: boolean;
}

/** One file of the closure, without its imports and exports. */
interface Part {
  readonly text: string;
  readonly declares: readonly string[];
  readonly dependencies: readonly URL[];
  /** Imports of Node's modules: local name to what it is. */
  readonly builtins: readonly { readonly local: string; readonly imported: string; readonly from: string }[];
}

/** Modules that were read, by URL: they are the running program's own, and do not change while it runs. */
const PARTS = new Map<string, Part>();

/**
 * Gathers modules and all that they import into one text without imports: the files one after another, those that
 * are imported first. What they export are top-level names of the text; types are gone.
 *
 * The files are Cortado's own, as TypeScript where it runs from its sources and as JavaScript where it is installed.
 * They keep to what can be put together so: named imports of relative paths, without renaming; no name that two
 * files declare; no default exports.
 *
 * @param entries URLs of the modules, ending in `.js`
 * @throws InternalError where a file does not keep to that
 */
export async function emitModule(entries: readonly URL[], options: EmitOptions = {}): Promise<string> {
  const { ts } = await import("ts-morph");
  const texts: string[] = [];
  const visited = new Set<string>();
  const names = createNames(options);

  const visit = async (url: URL): Promise<void> => {
    if (visited.has(url.href)) return;
    visited.add(url.href);
    const where = url.pathname.split("/").slice(-3).join("/");
    const part = PARTS.get(url.href) ?? partOf(ts, await sourceOf(ts, url), url, where);
    PARTS.set(url.href, part);
    for (const dependency of part.dependencies) await visit(dependency);
    names.add(part, where);
    if (part.text !== "") texts.push(part.text);
  };
  for (const entry of entries) await visit(entry);
  return [...importLines(names.builtins), ...texts].join("\n\n");
}

type Builtins = ReadonlyMap<string, { readonly imported: string; readonly from: string }>;

/** The top-level names of a text, each of which one part has. */
function createNames({ node = false }: EmitOptions): {
  readonly builtins: Builtins;
  add(part: Part, where: string): void;
} {
  const owners = new Map<string, string>();
  const builtins = new Map<string, { imported: string; from: string }>();
  const addImport = ({ local, imported, from }: Part["builtins"][number], where: string): void => {
    if (!node) throw new InternalError(`${where} imports ${from}, which is not there in a browser`);
    const known = builtins.get(local);
    if (known ? known.imported !== imported || known.from !== from : owners.has(local))
      throw new InternalError(`${where}: the name ${local} is imported twice`);
    builtins.set(local, { imported, from });
  };
  const addDeclared = (name: string, where: string): void => {
    const other = owners.get(name) ?? (builtins.has(name) ? "an import" : undefined);
    if (other) throw new InternalError(`${where} and ${other} both declare ${name}`);
    if (name in globalThis) throw new InternalError(`${where} declares ${name}, a global of others`);
    owners.set(name, where);
  };
  return {
    builtins,
    add(part, where) {
      for (const one of part.builtins) addImport(one, where);
      for (const name of part.declares) addDeclared(name, where);
    },
  };
}

function importLines(builtins: Builtins): readonly string[] {
  const modules = new Map<string, string[]>();
  for (const [local, { imported, from }] of builtins) {
    const names = modules.get(from) ?? [];
    names.push(imported === local ? local : `${imported} as ${local}`);
    modules.set(from, names);
  }
  const lines = [...modules].map(([from, names]) => `import { ${names.sort().join(", ")} } from "${from}";`);
  return lines.length === 0 ? [] : [lines.sort().join("\n")];
}

/** A module's JavaScript, from the compiled file or else from the TypeScript beside which it would lie. */
async function sourceOf(ts: TypeScript, url: URL): Promise<string> {
  try {
    return await readFile(url, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const path = fileURLToPath(url).replace(/\.js$/, ".ts");
  return ts.transpileModule(await readFile(path, "utf8"), {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  }).outputText;
}

function partOf(ts: TypeScript, source: string, url: URL, where: string): Part {
  const file = ts.createSourceFile("module.js", source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const dependencies: URL[] = [];
  const builtins: Part["builtins"][number][] = [];
  const declares: string[] = [];
  const kept: string[] = [];
  const fail = (what: string): never => {
    throw new InternalError(`${where} cannot become part of a built module: ${what}`);
  };
  const dependsOn = (specifier: string): void => {
    if (!/^\.\.?\//.test(specifier)) fail(`it imports ${specifier}`);
    dependencies.push(new URL(specifier, url));
  };
  refuseRelativeImports(ts, file, fail);

  const textOf = (specifier: object | undefined): string =>
    (specifier as { text?: string } | undefined)?.text ?? "";
  const addImport = (statement: import("ts-morph").ts.ImportDeclaration): void => {
    const from = textOf(statement.moduleSpecifier);
    const named = statement.importClause?.namedBindings;
    if (statement.importClause?.name || (named && !ts.isNamedImports(named)))
      fail(`it imports ${from} by something else than names`);
    const elements = named && ts.isNamedImports(named) ? named.elements : [];
    if (!from.startsWith("node:")) {
      if (elements.some(({ propertyName }) => propertyName)) fail(`it renames what it imports`);
      dependsOn(from);
      return;
    }
    for (const { name, propertyName } of elements)
      builtins.push({ local: name.text, imported: (propertyName ?? name).text, from });
  };
  const addExport = (statement: import("ts-morph").ts.ExportDeclaration): void => {
    const clause = statement.exportClause;
    if (clause && (!ts.isNamedExports(clause) || clause.elements.some(({ propertyName }) => propertyName)))
      fail("it renames what it exports");
    if (statement.moduleSpecifier) dependsOn(textOf(statement.moduleSpecifier));
  };

  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) addImport(statement);
    else if (ts.isExportDeclaration(statement)) addExport(statement);
    else if (ts.isExportAssignment(statement)) fail("it has a default export");
    else {
      declares.push(...namesOf(ts, statement));
      kept.push(withoutExport(ts, file, statement, fail));
    }
  }
  return { text: kept.join("\n"), declares, dependencies, builtins };
}

/** `import("./x.js")` would look for a file beside the built module. */
function refuseRelativeImports(ts: TypeScript, file: SourceFile, fail: (what: string) => never): void {
  const look = (node: import("ts-morph").ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      if (!specifier || !ts.isStringLiteral(specifier) || !specifier.text.startsWith("node:"))
        fail("it imports something while it runs");
    }
    ts.forEachChild(node, look);
  };
  look(file);
}

function namesOf(ts: TypeScript, statement: Statement): readonly string[] {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
    return statement.name ? [statement.name.text] : [];
  if (!ts.isVariableStatement(statement)) return [];
  const names: string[] = [];
  const look = (name: import("ts-morph").ts.BindingName): void => {
    if (ts.isIdentifier(name)) names.push(name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) look(element.name);
  };
  for (const { name } of statement.declarationList.declarations) look(name);
  return names;
}

/** A statement's text with its comments, without `export` before it. */
function withoutExport(
  ts: TypeScript,
  file: SourceFile,
  statement: Statement,
  fail: (what: string) => never,
): string {
  const text = file.text.slice(statement.getFullStart(), statement.end).replace(/^\s*\n/, "");
  const cut = (keyword: import("ts-morph").ts.Node): string => {
    const before = file.text.slice(statement.getFullStart(), keyword.getStart(file));
    const after = file.text.slice(keyword.end, statement.end).trimStart();
    return `${before}${after}`.replace(/^\s*\n/, "");
  };
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) fail("it has a default export");
  const exported = modifiers.find(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  return exported ? cut(exported) : text;
}
