import { InternalError } from "../../proto/errors/index.js";
import type { Graph, Node } from "../ir/graph.js";
import { type Aliases, findAliases } from "./alias.js";
import { checkOrder, formSteps } from "./fuse.js";
import { type Layout, layOut } from "./layout.js";
import { findLifetimes, type Lifetime } from "./lifetime.js";
import type { NetPass, Plan, PlanOptions, Step } from "./plan.js";
import {
  printAliases,
  printLifetimes,
  printSchedules,
  printSteps,
  printUpdates,
  printUses,
} from "./print-phases.js";
import { formatPlan } from "./print-plan.js";
import { assignPasses } from "./schedule.js";
import { placeUpdates, type Updates } from "./update.js";
import { findUses, type Uses } from "./uses.js";

/** A plan in the making: what the phases so far have found. */
export interface PlanDraft {
  readonly graph: Graph;
  readonly options: PlanOptions;
  /** Who reads what, free views seen through. */
  readonly uses?: Uses;
  readonly passes?: ReadonlyMap<Node, NetPass>;
  readonly steps?: readonly Step[];
  readonly updates?: Updates;
  readonly lifetimes?: ReadonlyMap<Node, Lifetime>;
  readonly aliases?: Aliases;
  readonly layout?: Layout;
}

export interface PlanPhase {
  readonly name: string;
  readonly about: string;
  readonly run: (draft: PlanDraft) => PlanDraft;
  /** What it found, for people. */
  readonly print: (draft: PlanDraft) => string;
}

const NO_ALIASES: Aliases = { decisions: [], over: new Map() };

/** Graph → plan: which loops compute it, in which order, and where each value lies. In this order. */
export const PLAN_PHASES: readonly PlanPhase[] = [
  {
    name: "uses",
    about: "who reads what, free views seen through",
    run: (draft) => ({ ...draft, uses: findUses(draft.graph) }),
    print: (draft) => printUses(made(draft, "uses")),
  },
  {
    name: "schedules",
    about: "prepare, forward or backward, for each node",
    run: (draft) => ({ ...draft, passes: assignPasses(draft.graph, made(draft, "uses")) }),
    print: (draft) => printSchedules(made(draft, "passes")),
  },
  {
    name: "steps",
    about: "fusion into loop nests, and their order",
    run(draft) {
      const uses = made(draft, "uses");
      const steps = formSteps(uses, made(draft, "passes"), draft.options.fuse ?? true);
      checkOrder(steps, uses);
      return { ...draft, steps };
    },
    print: (draft) => printSteps(made(draft, "steps")),
  },
  {
    name: "updates",
    about: "new values of states: in their parameter's memory, or copied when a pass ends",
    run(draft) {
      const share = draft.options.alias ?? true;
      const updates = placeUpdates(draft.graph.roots, made(draft, "steps"), made(draft, "uses"), share);
      return { ...draft, updates };
    },
    print: (draft) => printUpdates(made(draft, "updates")),
  },
  {
    name: "lifetimes",
    about: "from which step to which each value must be in memory",
    run(draft) {
      const { direct } = made(draft, "updates");
      const { repeatBackward = false } = draft.options;
      const lifetimes = findLifetimes(made(draft, "steps"), made(draft, "uses"), direct, repeatBackward);
      return { ...draft, lifetimes };
    },
    print: (draft) => printLifetimes(made(draft, "lifetimes")),
  },
  {
    name: "aliases",
    about: "what may be written over what, in place",
    run(draft) {
      const [steps, uses, lifetimes] = [made(draft, "steps"), made(draft, "uses"), made(draft, "lifetimes")];
      const aliases = (draft.options.alias ?? true) ? findAliases(steps, uses, lifetimes) : NO_ALIASES;
      return { ...draft, aliases };
    },
    print: (draft) => printAliases(made(draft, "aliases")),
  },
  {
    name: "arena",
    about: "offsets by lifetime",
    run(draft) {
      const { realBytes, alias: share = true } = draft.options;
      const [uses, lifetimes] = [made(draft, "uses"), made(draft, "lifetimes")];
      const { over } = made(draft, "aliases");
      const layout = layOut(uses, lifetimes, over, made(draft, "updates").direct, { realBytes, share });
      return { ...draft, layout };
    },
    print: (draft) => formatPlan(planOf(draft)),
  },
];

const plans = new WeakSet<object>();

/** Whether a value is a plan, made here. */
export const isPlan = (value: unknown): value is Plan =>
  typeof value === "object" && value !== null && plans.has(value);

/** The plan that all phases have made. */
export function planOf(draft: PlanDraft): Plan {
  const steps = made(draft, "steps");
  return printsItself({
    graph: draft.graph,
    steps,
    firstForward: steps.filter(({ pass }) => pass === "prepare").length,
    firstBackward: steps.filter(({ pass }) => pass !== "backward").length,
    aliases: made(draft, "aliases").decisions,
    copies: made(draft, "updates").copies,
    ...made(draft, "layout"),
  });
}

function made<K extends keyof PlanDraft>(draft: PlanDraft, part: K): NonNullable<PlanDraft[K]> {
  const found = draft[part];
  if (found === undefined || found === null)
    throw new InternalError(`a phase needs ${part}, which is not there yet`);
  return found;
}

/** `String(plan)` and `console.log(plan)` give what `formatPlan` gives. */
function printsItself(plan: Plan): Plan {
  const print = { value: () => formatPlan(plan), enumerable: false };
  plans.add(plan);
  return Object.freeze(
    Object.defineProperties(plan, {
      toString: print,
      [Symbol.for("nodejs.util.inspect.custom")]: print,
    }),
  );
}
