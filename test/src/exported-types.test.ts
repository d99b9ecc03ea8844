/** Who writes TypeScript can name every type that a public signature names. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INDEX = join(ROOT, "src/index.ts");

/** Types that others are made of, of no use by themselves. */
const HELPERS: ReadonlySet<string> = new Set(["Common", "HeldMessage", "Makers", "NumberType", "OneOf"]);

interface Named {
  readonly file: string;
  readonly name: string;
}

interface Module {
  readonly declared: ReadonlyMap<string, readonly ts.Declaration[]>;
  readonly imported: ReadonlyMap<string, Named>;
  readonly exported: ReadonlyMap<string, Named>;
  /** Modules whose every export is one of this. */
  readonly all: readonly string[];
  /** Modules that are exported as a namespace. */
  readonly namespaces: readonly string[];
}

const modules = new Map<string, Module>();

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known) return known;
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  const declared = new Map<string, ts.Declaration[]>();
  const imported = new Map<string, Named>();
  const exported = new Map<string, Named>();
  const all: string[] = [];
  const namespaces: string[] = [];
  const target = (node: ts.Expression | undefined): string | undefined => {
    if (!node || !ts.isStringLiteral(node) || !node.text.startsWith(".")) return undefined;
    const path = join(dirname(file), node.text.replace(/\.js$/, ".ts"));
    return existsSync(path) ? path : undefined;
  };
  const add = (name: string, node: ts.Declaration): void =>
    void declared.set(name, [...(declared.get(name) ?? []), node]);
  for (const node of source.statements) {
    if (ts.isImportDeclaration(node)) {
      const from = target(node.moduleSpecifier);
      const bindings = node.importClause?.namedBindings;
      if (from && bindings && ts.isNamedImports(bindings))
        for (const { name, propertyName } of bindings.elements)
          imported.set(name.text, { file: from, name: (propertyName ?? name).text });
    } else if (ts.isExportDeclaration(node)) {
      const from = target(node.moduleSpecifier);
      if (!node.exportClause) all.push(...(from ? [from] : []));
      else if (ts.isNamespaceExport(node.exportClause)) namespaces.push(...(from ? [from] : []));
      else
        for (const { name, propertyName } of node.exportClause.elements) {
          const inside = (propertyName ?? name).text;
          exported.set(
            name.text,
            from ? { file: from, name: inside } : (imported.get(inside) ?? { file, name: inside }),
          );
        }
    } else if (ts.isVariableStatement(node))
      for (const one of node.declarationList.declarations)
        if (ts.isIdentifier(one.name)) add(one.name.text, one);
    if (
      ts.isFunctionDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isClassDeclaration(node)
    )
      if (node.name) add(node.name.text, node);
  }
  const made = { declared, imported, exported, all, namespaces };
  modules.set(file, made);
  return made;
}

/** Where a name of a module is declared. */
function declarationOf({ file, name }: Named): Named | undefined {
  const { declared, exported, imported, all } = moduleOf(file);
  if (declared.has(name)) return { file, name };
  const next = exported.get(name) ?? imported.get(name);
  if (next && !(next.file === file && next.name === name)) return declarationOf(next);
  for (const other of all) {
    const found = declarationOf({ file: other, name });
    if (found) return found;
  }
  return undefined;
}

/** The names of types in a declaration's public part: no bodies, no initial values. */
function namesIn(node: ts.Node): ReadonlySet<string> {
  const found = new Set<string>();
  const bound = new Set<string>();
  const visit = (part: ts.Node): void => {
    if (ts.isTypeParameterDeclaration(part)) bound.add(part.name.text);
    if (ts.isInferTypeNode(part)) bound.add(part.typeParameter.name.text);
    if (ts.isMappedTypeNode(part)) bound.add(part.typeParameter.name.text);
    if (ts.isTypeReferenceNode(part) && ts.isIdentifier(part.typeName)) found.add(part.typeName.text);
    if (ts.isExpressionWithTypeArguments(part) && ts.isIdentifier(part.expression))
      found.add(part.expression.text);
    if (ts.isBlock(part)) return;
    if (ts.isVariableDeclaration(part) && part.initializer) {
      if (part.type) visit(part.type);
      else if (ts.isArrowFunction(part.initializer)) {
        part.initializer.parameters.forEach(visit);
        if (part.initializer.type) visit(part.initializer.type);
      }
      return;
    }
    ts.forEachChild(part, visit);
  };
  visit(node);
  for (const name of bound) found.delete(name);
  return found;
}

const key = ({ file, name }: Named): string => `${relative(ROOT, file)} ${name}`;

/** What a module exports, as declared; that of modules which it passes on among it. */
function exportsOf(file: string): readonly Named[] {
  const { declared, exported, all } = moduleOf(file);
  const own = [...declared.keys()].map((name): Named => ({ file, name }));
  return [
    ...own,
    ...[...exported.values()].flatMap((named) => declarationOf(named) ?? []),
    ...all.flatMap(exportsOf),
  ];
}

/** A namespace's names. */
const reachable = (file: string): ReadonlySet<string> => new Set(exportsOf(file).map(key));

it("every type in the public signatures is exported", () => {
  const { all } = moduleOf(INDEX);
  const namespaces = [INDEX, ...all].flatMap((file) => moduleOf(file).namespaces);
  const open = namespaces.map(reachable);
  const inNamespace = (named: Named): boolean => open.some((module) => module.has(key(named)));
  const roots = exportsOf(INDEX);
  expect(roots.length).toBeGreaterThan(60);
  const known = new Set(roots.map(key));
  const missing = new Set<string>();
  const queue = [...roots];
  for (const root of queue)
    for (const node of moduleOf(root.file).declared.get(root.name) ?? [])
      for (const name of namesIn(node)) {
        const named = declarationOf({ file: root.file, name });
        // What is declared nowhere here is TypeScript's own.
        if (!named || known.has(key(named)) || inNamespace(named) || HELPERS.has(name)) continue;
        missing.add(`${key(named)}, of ${root.name}`);
        known.add(key(named));
        queue.push(named);
      }
  expect([...missing].sort()).toEqual([]);
});
