/** Caffe's way of writing a command line (gflags) to the one that the rest of the program reads. */

/** What the program takes: made from its own list of commands and options. */
export interface Grammar {
  readonly commands: readonly string[];
  /** Long options that take a value, without their dashes. */
  readonly valued: ReadonlySet<string>;
  /** Long options that take none. */
  readonly flags: ReadonlySet<string>;
}

export interface NormalArguments {
  readonly args: readonly string[];
  /** Options of Caffe's log that were left out, as written. */
  readonly ignored: readonly string[];
}

/** Options of glog that scripts for `caffe` hand over, and whether they take a value of their own. */
const LOG_OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ["logtostderr", false],
  ["alsologtostderr", false],
  ["colorlogtostderr", false],
  ["stderrthreshold", true],
  ["minloglevel", true],
  ["log_dir", true],
  ["v", true],
  ["vmodule", true],
]);

const OPTION = /^--?([A-Za-z][A-Za-z0-9_-]*)(?:=([\s\S]*))?$/;

/**
 * Rewrites `-solver X`, `-solver=X` to `--solver X`, `--solver=X`; `--json=true` to `--json`; underscores in option
 * names to dashes where that makes a known one; leaves out glog's options; and puts the command first where options
 * stand before it. Values, negative numbers, single letters and all that follows `--` stay as they are.
 */
export function normaliseArguments(argv: readonly string[], grammar: Grammar): NormalArguments {
  const args: string[] = [];
  const ignored: string[] = [];
  /** Where among `args` the first argument lies that is neither an option nor the value of one. */
  let command: number | undefined;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i];
    if (arg === "--") {
      args.push(...argv.slice(i));
      break;
    }
    const [, written, value] = OPTION.exec(arg) ?? [];
    const single = written?.length === 1 && !arg.startsWith("--") && value === undefined;
    if (written === undefined || (single && !LOG_OPTIONS.has(written))) {
      if (!arg.startsWith("-")) command ??= args.length;
      args.push(arg);
      continue;
    }
    const name = knownName(written, grammar);
    const isLog = !grammar.valued.has(name) && !grammar.flags.has(name) && LOG_OPTIONS.has(written);
    const takesNext = isLog ? LOG_OPTIONS.get(written) === true : grammar.valued.has(name);
    const next = takesNext && value === undefined && i + 1 < argv.length ? [argv[++i]] : [];
    if (isLog) ignored.push([arg, ...next].join(" "));
    else if (value === undefined) args.push(`--${name}`, ...next);
    else args.push(...withValue(name, value, grammar));
  }
  if (command !== undefined && command > 0 && grammar.commands.includes(args[command])) {
    const [name] = args.splice(command, 1);
    args.unshift(name);
  }
  return { args, ignored };
}

/** `--name=value`; of a flag, the flag or nothing. */
function withValue(name: string, value: string, { flags }: Grammar): readonly string[] {
  if (!flags.has(name) || !/^(true|false|1|0)$/.test(value)) return [`--${name}=${value}`];
  return value === "true" || value === "1" ? [`--${name}`] : [];
}

function knownName(written: string, { valued, flags }: Grammar): string {
  const dashed = written.replaceAll("_", "-");
  return !valued.has(written) && !flags.has(written) && (valued.has(dashed) || flags.has(dashed))
    ? dashed
    : written;
}
