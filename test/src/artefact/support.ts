/** Builds nets and runs what was built elsewhere: in a Node process of its own, in a browser. */
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Project, ts } from "ts-morph";
import { type BuildOptions, buildNet } from "../../../src/build-net.js";
import { type PageOptions, runPage } from "../../support/browser-page.js";

/** A new folder, removed after the tests of a file by `removeFolders`. */
const folders: string[] = [];
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cortado-build-"));
  folders.push(folder);
  return folder;
}

export async function removeFolders(): Promise<void> {
  // A browser that was ended may still be writing: try again a few times.
  for (const folder of folders.splice(0))
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

export async function build(net: string, options: Omit<BuildOptions, "out"> = {}): Promise<string> {
  const out = join(await newFolder(), "dist");
  await buildNet(net, { ...options, out });
  return out;
}

/** The same input for everybody: from 0 to below 1. */
export const standIn = (elements: number, offset = 0): Float32Array =>
  Float32Array.from({ length: elements }, (_, i) => (Math.imul(i + offset + 1, 0x9e3779b1) >>> 8) / 2 ** 24);

/** What a scenario may use beside `load`; its result goes through JSON. */
const PRELUDE = `
import { load } from "./net.js";
const standIn = (elements, offset = 0) =>
  Float32Array.from({ length: elements }, (_, i) => (Math.imul(i + offset + 1, 0x9e3779b1) >>> 8) / 2 ** 24);
const bits = (array) => Array.from(new Uint32Array(array.buffer, array.byteOffset, array.length));
const failure = (promise) => promise.then(() => "no error", (error) => \`\${error.constructor.name}: \${error.message}\`);
`;

/** A JavaScript module that exports what a body of statements returns. */
const scenarioModule = (body: string): string =>
  `${PRELUDE}\nexport const result = await (async () => {${body}})();\n`;

/** The bits of an array, as a scenario's `bits` gives them. */
export const bits = (array: Float32Array): readonly number[] =>
  Array.from(new Uint32Array(array.buffer, array.byteOffset, array.length));

async function stage(built: string, body: string): Promise<string> {
  const folder = await newFolder();
  await cp(built, folder, { recursive: true });
  await writeFile(join(folder, "scenario.js"), scenarioModule(body));
  return folder;
}

interface NodeOptions {
  /** All of it: nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** For Node itself; FOLDER stands for the folder it runs in. */
  readonly flags?: readonly string[];
}

/** Runs a scenario in a Node process, in a folder that holds nothing but the build. */
export async function inNode(
  built: string,
  body: string,
  { env = {}, flags = [] }: NodeOptions = {},
): Promise<unknown> {
  const folder = await stage(built, body);
  const main = 'import("./scenario.js").then(({ result }) => process.stdout.write(JSON.stringify(result)))';
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...flags.map((flag) => flag.replace("FOLDER", folder)), "--input-type=module", "-e", main],
      { cwd: folder, env, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(JSON.parse(stdout))),
    );
  });
}

/** Runs a scenario in a page of a headless browser, served over HTTP from this machine. */
export const inBrowser = async (built: string, body: string, options: PageOptions = {}): Promise<unknown> =>
  runPage(await stage(built, body), options);

/** What a strict type check says of a program that uses a build's types. */
export function checkUse(declarations: string, program: string): readonly string[] {
  const project = new Project({
    compilerOptions: {
      strict: true,
      noUncheckedIndexedAccess: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: [],
      lib: ["lib.es2022.d.ts"],
    },
    skipAddingFilesFromTsConfig: true,
    useInMemoryFileSystem: true,
  });
  project.createSourceFile("/package.json", '{ "type": "module" }');
  project.createSourceFile("/net.d.ts", declarations);
  project.createSourceFile(
    "/use.ts",
    `import { load } from "./net.js";\nconst net = await load();\n${program}`,
  );
  return project
    .getPreEmitDiagnostics()
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.compilerObject.messageText, "\n"));
}
