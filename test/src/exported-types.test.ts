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

/** The module that an import or export names, where it is one of ours. */
function target(file: string, node: ts.Expression | undefined): string | undefined {
  if (!node || !ts.isStringLiteral(node) || !node.text.startsWith(".")) return undefined;
  const path = join(dirname(file), node.text.replace(/\.js$/, ".ts"));
  return existsSync(path) ? path : undefined;
}

/** What a statement imports: local names. */
function importsOf(file: string, node: ts.Statement): readonly (readonly [string, Named])[] {
  if (!ts.isImportDeclaration(node)) return [];
  const from = target(file, node.moduleSpecifier);
  const bindings = node.importClause?.namedBindings;
  if (!from || !bindings || !ts.isNamedImports(bindings)) return [];
  return bindings.elements.map(({ name, propertyName }) => [
    name.text,
    { file: from, name: (propertyName ?? name).text },
  ]);
}

/** What a statement exports by name; of the module itself where it names no other. */
function exportsBy(file: string, node: ts.Statement): readonly (readonly [string, Named])[] {
  if (!ts.isExportDeclaration(node) || !node.exportClause || ts.isNamespaceExport(node.exportClause))
    return [];
  const from = target(file, node.moduleSpecifier) ?? file;
  return node.exportClause.elements.map(({ name, propertyName }) => [
    name.text,
    { file: from, name: (propertyName ?? name).text },
  ]);
}

/** The whole modules that a statement passes on: open, or as a namespace. */
const passedOn = (file: string, node: ts.Statement, kind: "open" | "namespace"): readonly string[] => {
  if (!ts.isExportDeclaration(node)) return [];
  const isNamed = node.exportClause !== undefined && !ts.isNamespaceExport(node.exportClause);
  const isKind = kind === "open" ? !node.exportClause : node.exportClause && !isNamed;
  const from = isKind ? target(file, node.moduleSpecifier) : undefined;
  return from ? [from] : [];
};

/** What a statement declares. */
function declaredBy(node: ts.Statement): readonly (readonly [string, ts.Declaration])[] {
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations.flatMap((one) =>
      ts.isIdentifier(one.name) ? [[one.name.text, one] as const] : [],
    );
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isClassDeclaration(node);
  return isNamed && node.name ? [[node.name.text, node]] : [];
}

function moduleOf(file: string): Module {
  const known = modules.get(file);
  if (known) return known;
  const { statements } = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022);
  const declared = new Map<string, ts.Declaration[]>();
  for (const [name, node] of statements.flatMap(declaredBy))
    declared.set(name, [...(declared.get(name) ?? []), node]);
  const made: Module = {
    declared,
    imported: new Map(statements.flatMap((node) => importsOf(file, node))),
    exported: new Map(statements.flatMap((node) => exportsBy(file, node))),
    all: statements.flatMap((node) => passedOn(file, node, "open")),
    namespaces: statements.flatMap((node) => passedOn(file, node, "namespace")),
  };
  modules.set(file, made);
  return made;
}

/** Where a name of a module is declared. */
function declarationOf({ file, name }: Named): Named | undefined {
  const { declared, exported, imported, all } = moduleOf(file);
  if (declared.has(name)) return { file, name };
  const own = exported.get(name);
  const next = own && own.file !== file ? own : imported.get(own?.name ?? name);
  if (next) return declarationOf(next);
  for (const other of all) {
    const found = declarationOf({ file: other, name });
    if (found) return found;
  }
  return undefined;
}

/** The name of a type that a node is, where it is one. */
function typeNamed(node: ts.Node): string | undefined {
  const name = ts.isTypeReferenceNode(node)
    ? node.typeName
    : ts.isExpressionWithTypeArguments(node)
      ? node.expression
      : undefined;
  return name && ts.isIdentifier(name) ? name.text : undefined;
}

/** What of a node is public: no bodies, no initial values. */
function publicParts(node: ts.Node): readonly ts.Node[] {
  if (ts.isBlock(node)) return [];
  if (!ts.isVariableDeclaration(node) || !node.initializer) {
    const parts: ts.Node[] = [];
    ts.forEachChild(node, (part) => void parts.push(part));
    return parts;
  }
  if (node.type) return [node.type];
  if (!ts.isArrowFunction(node.initializer)) return [];
  const { parameters, type } = node.initializer;
  return type ? [...parameters, type] : parameters;
}

/** The names of types in a declaration's public part. */
function namesIn(node: ts.Node): ReadonlySet<string> {
  const found = new Set<string>();
  const bound = new Set<string>();
  const queue = [node];
  for (const part of queue) {
    if (ts.isTypeParameterDeclaration(part)) bound.add(part.name.text);
    const name = typeNamed(part);
    if (name !== undefined) found.add(name);
    queue.push(...publicParts(part));
  }
  return new Set([...found].filter((name) => !bound.has(name)));
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
