import {
  CortadoError,
  createDiagnostics,
  type Diagnostic,
  type Diagnostics,
  present,
  type Span,
} from "../../proto/errors/index.js";
import {
  has,
  type NetParameter,
  type NetState,
  type Phase,
  type Schema,
  type SolverParameter,
} from "../../proto/index.js";
import { showCount } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { existing } from "../../runtime/solver/paths.js";
import { folderOf, type NetDef, parseNet, readTextFile, type SolverDef, spanOf } from "../net-text/index.js";

/** A net that a solver names, and the state it is to be built in. */
export interface NetPlan {
  readonly definition: NetDef;
  readonly phase: Phase;
  /** Given by train_state or test_state; else the net's own counts. */
  readonly level: number | undefined;
  readonly stages: readonly string[];
  /** The folder of its file; undefined for a net inside the solver's text. */
  readonly folder: string | undefined;
}

export interface NetPlans {
  readonly train: NetPlan;
  /** One for each test_iter: those of test_net_param, of test_net, then the solver's own net for the rest. */
  readonly tests: readonly NetPlan[];
}

const TRAIN_FIELDS = ["net", "net_param", "train_net", "train_net_param"] as const;

/** A net before it is read: from a file or from the solver's text. */
type Reference =
  | { readonly is: "file"; readonly path: string; readonly span: Span | undefined }
  | { readonly is: "message"; readonly net: NetParameter };

/**
 * Finds and reads the nets of a solver and gives each its state, as Caffe's InitTrainNet and InitTestNets do. A
 * path counts from the first of `folders` where the file exists; a name of `nets` is no path, but stands for a text.
 *
 * @throws CortadoError with every mistake: no train net, too many, a count of test_iter or test_state that does
 * not fit, a file that is not there, and what is wrong in the nets' own texts
 */
export async function resolveNets(
  definition: SolverDef,
  folders: readonly string[],
  schema?: Schema,
  nets: Readonly<Record<string, string>> = {},
): Promise<NetPlans> {
  const { solver } = definition;
  const diagnostics = createDiagnostics();
  const train = trainReference(solver, diagnostics);
  const tests = testReferences(solver, diagnostics);
  const read = createReader(definition, { folders, nets, schema }, diagnostics);
  const trainNet = train && (await read(train));
  const testNets: (Loaded | undefined)[] = [];
  for (const reference of tests) testNets.push(await read(reference));
  if (diagnostics.hasErrors || trainNet === undefined) throw new CortadoError(diagnostics.all);
  return {
    train: planOf(trainNet, "TRAIN", solver.train_state),
    tests: testNets.flatMap((net, i) => (net ? planOf(net, "TEST", solver.test_state[i]) : [])),
  };
}

function trainReference(solver: SolverParameter, diagnostics: Diagnostics): Reference | undefined {
  const given = TRAIN_FIELDS.filter((field) => has(solver, field));
  if (given.length === 0) {
    diagnostics.error("the solver names no train net", spanOf(solver), {
      hint: `one of ${TRAIN_FIELDS.join(", ")} is needed`,
    });
    return undefined;
  }
  const [field, ...others] = given;
  for (const other of others)
    diagnostics.error(`the solver names a second train net: ${other}`, spanOf(solver, other), {
      hint: `only one of ${TRAIN_FIELDS.join(", ")} may be given`,
      related: [{ message: `the first is ${field}`, span: spanOf(solver, field) }],
    });
  return referenceTo(solver, field);
}

function referenceTo(solver: SolverParameter, field: (typeof TRAIN_FIELDS)[number]): Reference {
  const value = solver[field];
  return typeof value === "string"
    ? { is: "file", path: value, span: spanOf(solver, field) }
    : { is: "message", net: present(value, field) };
}

function testReferences(solver: SolverParameter, diagnostics: Diagnostics): readonly Reference[] {
  const own: readonly Reference[] = [
    ...solver.test_net_param.map((net): Reference => ({ is: "message", net })),
    ...solver.test_net.map((path, i): Reference => {
      return { is: "file", path, span: spanOf(solver, "test_net", i) };
    }),
  ];
  const generic = (["net_param", "net"] as const).find((field) => has(solver, field));
  const wanted = solver.test_iter.length;
  if (generic ? wanted < own.length : wanted !== own.length)
    diagnostics.error(
      `test_iter must be given once for each test net: ${showCount(wanted, "test_iter")}, ${showCount(own.length, "test net")}`,
      spanOf(solver, wanted > 0 ? "test_iter" : "test_net") ?? spanOf(solver),
      generic === undefined && own.length === 0
        ? { hint: "there is no test net: name one with test_net, or the train net with net instead" }
        : undefined,
    );
  if (wanted > 0 && !(solver.test_interval > 0))
    diagnostics.error(
      "a solver with test nets needs a positive test_interval",
      spanOf(solver, "test_interval") ?? spanOf(solver, "test_iter"),
    );
  if (solver.test_state.length > 0 && solver.test_state.length !== wanted)
    diagnostics.error(
      `test_state must be given once for each test net or not at all: ${showCount(solver.test_state.length, "test_state")}, ${showCount(wanted, "test net")}`,
      spanOf(solver, "test_state"),
    );
  const rest = Math.max(0, wanted - own.length);
  if (generic === undefined || rest === 0) return own;
  return [...own, ...new Array<Reference>(rest).fill(referenceTo(solver, generic))];
}

/** A net's text, read. */
interface Loaded {
  readonly definition: NetDef;
  readonly folder: string | undefined;
}

/** Where nets come from. */
interface Sources {
  readonly folders: readonly string[];
  /** Texts by the names that the solver gives. */
  readonly nets: Readonly<Record<string, string>>;
  readonly schema: Schema | undefined;
}

/** Reads each file once; a file that cannot be read, or is wrong, is reported once. */
function createReader(
  definition: SolverDef,
  { folders, nets, schema }: Sources,
  diagnostics: Diagnostics,
): (reference: Reference) => Promise<Loaded | undefined> {
  const known = new Map<string, Loaded | undefined>();
  const reportAll = (found: readonly Diagnostic[]): void => {
    for (const diagnostic of found) diagnostics.report(diagnostic);
  };
  return async (reference) => {
    if (reference.is === "message")
      return {
        definition: {
          net: reference.net,
          source: definition.source,
          warnings: [],
          leftOut: [],
          damaged: new Set(),
        },
        folder: undefined,
      };
    if (known.has(reference.path)) return known.get(reference.path);
    let loaded: Loaded | undefined;
    try {
      const given = Object.hasOwn(nets, reference.path);
      const path = given ? undefined : await existing(reference.path, folders);
      if (given) {
        const definition = parseNet(nets[reference.path], { name: reference.path, schema });
        loaded = { definition, folder: undefined };
      } else if (path === undefined)
        diagnostics.error(`there is no file ${quotedPath(reference.path)}`, reference.span, {
          hint:
            folders.length > 0
              ? `looked in ${folders.map(quotedPath).join(" and ")}`
              : `give its text: createSolver(solver, { nets: { ${JSON.stringify(reference.path)}: text } })`,
        });
      else {
        const text = await readTextFile(path, "net");
        loaded = { definition: parseNet(text, { name: path, schema }), folder: folderOf(path) };
      }
    } catch (error) {
      if (!(error instanceof CortadoError)) throw error;
      // What is wrong with a whole file is wrong where it is named.
      reportAll(error.diagnostics.map((found) => (found.span ? found : { ...found, span: reference.span })));
    }
    known.set(reference.path, loaded);
    return loaded;
  };
}

/** The solver's default phase is overruled by the net's own state, and that by the solver's. */
function planOf({ definition, folder }: Loaded, phase: Phase, state: NetState | undefined): NetPlan {
  const own = definition.net.state;
  return {
    definition,
    folder,
    phase: state && has(state, "phase") ? state.phase : own && has(own, "phase") ? own.phase : phase,
    level: state && has(state, "level") ? state.level : undefined,
    stages: state?.stage ?? [],
  };
}
