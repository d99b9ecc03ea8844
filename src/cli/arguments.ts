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

/** Options of glog that scripts for `caffe` hand over: those with a value of their own, and those that are on or off. */
const LOG_VALUES =
  "alsologtoemail log_backtrace_at log_dir log_link logbuflevel logbufsecs logemaillevel logfile_mode logmailer " +
  "max_log_size minloglevel stderrthreshold v vmodule";
const LOG_FLAGS =
  "alsologtostderr colorlogtostderr drop_log_memory log_prefix log_utc_time logtostderr logtostdout " +
  "stop_logging_if_full_disk symbolize_stacktrace timestamp_in_logfile_name";
const LOG_OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ...LOG_VALUES.split(" ").map((name) => [name, true] as const),
  ...LOG_FLAGS.split(" ").flatMap((name) => [[name, false] as const, [`no${name}`, false] as const]),
]);

/** Flags that say nothing where they are empty: scripts write `-weights=$WEIGHTS`. */
const MAY_BE_EMPTY = new Set(["weights", "snapshot", "gpu", "phase", "stage"]);

/** gflags' ways of asking for help. */
const HELP = new Set(["helpshort", "helpfull", "helppackage"]);

const OPTION = /^--?([A-Za-z][A-Za-z0-9_-]*)(?:=([\s\S]*))?$/;

/**
 * Rewrites `-solver X`, `-solver=X` to `--solver X`, `--solver=X`; `--json=true` to `--json`, and `--nojson` to nothing;
 * underscores in option names to dashes where that makes a known one; leaves out glog's options; and puts the command
 * first where options stand before it. Values, negative numbers, single letters and all that follows `--` stay as they are.
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
    const option = readOption(argv, i, grammar);
    if (!option) {
      if (!arg.startsWith("-")) command ??= args.length;
      args.push(arg);
      continue;
    }
    i += option.next.length;
    if (option.isLog) ignored.push([arg, ...option.next].join(" "));
    else args.push(...normalOption(option, grammar));
  }
  if (command !== undefined && command > 0 && grammar.commands.includes(args[command])) {
    const [name] = args.splice(command, 1);
    args.unshift(name);
  }
  return { args, ignored };
}

/** An option as it was written. */
interface Written {
  /** As the grammar has it, where it has it. */
  readonly name: string;
  /** Behind `=`. */
  readonly value: string | undefined;
  /** The next argument, where that is its value. */
  readonly next: readonly string[];
  /** One of glog's. */
  readonly isLog: boolean;
}

function readOption(argv: readonly string[], at: number, grammar: Grammar): Written | undefined {
  const [, written, value] = OPTION.exec(argv[at]) ?? [];
  if (written === undefined) return undefined;
  const single = written.length === 1 && !argv[at].startsWith("--") && value === undefined;
  if (single && !LOG_OPTIONS.has(written)) return undefined;
  const name = knownName(written, grammar);
  const isLog = !grammar.valued.has(name) && !grammar.flags.has(name) && LOG_OPTIONS.has(written);
  const takesNext = isLog ? LOG_OPTIONS.get(written) === true : grammar.valued.has(name);
  return { name, value, isLog, next: takesNext && value === undefined ? argv.slice(at + 1, at + 2) : [] };
}

function normalOption({ name, value, next }: Written, grammar: Grammar): readonly string[] {
  if (isOff(name, grammar) || ((value ?? next[0]) === "" && MAY_BE_EMPTY.has(name))) return [];
  return value === undefined ? [`--${name}`, ...next] : withValue(name, value, grammar);
}

/** `--nojson` */
const isOff = (name: string, { valued, flags }: Grammar): boolean =>
  name.startsWith("no") && !valued.has(name) && !flags.has(name) && flags.has(name.slice(2));

/** `--name=value`; of a flag, the flag or nothing. */
function withValue(name: string, value: string, { flags }: Grammar): readonly string[] {
  const [, yes, no] = /^(?:(true|t|yes|y|1)|(false|f|no|n|0))$/i.exec(value) ?? [];
  if (!flags.has(name) || (yes ?? no) === undefined) return [`--${name}=${value}`];
  return yes === undefined ? [] : [`--${name}`];
}

function knownName(written: string, { valued, flags }: Grammar): string {
  if (HELP.has(written)) return "help";
  const dashed = written.replaceAll("_", "-");
  return !valued.has(written) && !flags.has(written) && (valued.has(dashed) || flags.has(dashed))
    ? dashed
    : written;
}
