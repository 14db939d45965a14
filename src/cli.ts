import type { ArgsDef, CommandDef } from "citty";
import pkg from "../package.json" with { type: "json" };
import { parseCommandLine } from "./arguments.ts";
import type { Invocation } from "./commands/invocation.ts";
import { oneLine, quoted } from "./core/text.ts";
import { exitCodes, Failure } from "./errors.ts";
import { commandText } from "./manual.ts";
import type { CommandText } from "./manual.ts";
import { nearest } from "./nearest.ts";
import { defaultConfigPath, under } from "./paths.ts";
import type { Runtime } from "./runtime.ts";

// A command's arguments are known only to itself; citty's own table of sub-commands is typed the same.
type AnyCommand = (invocation: Invocation) => CommandDef<any>;

/** Every command, loaded when it is asked for: a hook must not wait for what it does not use. */
const commands: Readonly<Record<string, () => Promise<AnyCommand>>> = Object.assign(Object.create(null), {
  ban: async () => (await import("./commands/hooks.ts")).ban,
  unban: async () => (await import("./commands/hooks.ts")).unban,
  flush: async () => (await import("./commands/hooks.ts")).flush,
  start: async () => (await import("./commands/hooks.ts")).start,
  stop: async () => (await import("./commands/hooks.ts")).stop,
  deliver: async () => (await import("./commands/deliver.ts")).deliver,
  sync: async () => (await import("./commands/sync.ts")).sync,
  status: async () => (await import("./commands/status.ts")).status,
  list: async () => (await import("./commands/list.ts")).list,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  fleet: async () => (await import("./commands/fleet.ts")).fleet,
  login: async () => (await import("./commands/login.ts")).login,
  install: async () => (await import("./commands/install.ts")).install,
  uninstall: async () => {
    const { uninstall } = await import("./commands/uninstall.ts");
    return (invocation: Invocation) => uninstall(invocation);
  },
  realip: async () => (await import("./commands/realip.ts")).realip,
  completions: async () => {
    const { completions } = await import("./commands/completions.ts");
    return (invocation: Invocation) => completions(invocation, commandTexts);
  },
  manual: async () => {
    const { manual } = await import("./commands/manual.ts");
    return (invocation: Invocation) => manual(invocation, commandTexts);
  },
  metrics: async () => (await import("./commands/metrics.ts")).metrics,
});

const name = "fail2ban-cloudflare";

/** Runs one command line (without the program's name) and returns the exit code. Never throws. */
export async function main(argv: readonly string[], runtime: Runtime): Promise<number> {
  try {
    return await dispatch(argv, runtime);
  } catch (error) {
    return report(error, runtime);
  }
}

async function dispatch(argv: readonly string[], runtime: Runtime): Promise<number> {
  const { configPath, rest } = takeConfigOption(argv, runtime);
  const [command, ...args] = rest;
  if (command === "--version") {
    runtime.print(pkg.version);
    return 0;
  }
  if (command === "help" && args[0] !== undefined) {
    return dispatch(["--config", configPath, args[0], "--help"], runtime);
  }
  if (command === undefined || isHelp(command) || command === "help") {
    const { overview } = await import("./help.ts");
    runtime.print(overview(await commandTexts({ runtime, configPath })));
    return command === undefined ? exitCodes.usage : 0;
  }
  const load = commands[command];
  if (load === undefined) {
    throw new Failure("usage", `Cannot run ${quoted(command)}: there is no such command`, {
      hint: `did you mean ${nearest(command, Object.keys(commands))}? see: ${name} --help`,
    });
  }
  const definition = (await load())({ runtime, configPath });
  if (args.length === 1 && isHelp(args[0])) {
    const { help } = await import("./help.ts");
    runtime.print(help(commandText(definition)));
    return 0;
  }
  const code: unknown = await definition.run?.({
    rawArgs: [...args],
    args: parseCommandLine(command, args, (definition.args ?? {}) as ArgsDef),
    cmd: definition,
  });
  return typeof code === "number" ? code : 0;
}

/** `--config FILE` stands before the command; then the environment; then the default. */
function takeConfigOption(
  argv: readonly string[],
  runtime: Runtime,
): { configPath: string; rest: readonly string[] } {
  const fallback = runtime.env["FAIL2BAN_CLOUDFLARE_CONFIG"] ?? under(runtime.root, defaultConfigPath);
  const [first = "", second] = argv;
  if (first.startsWith("--config="))
    return { configPath: first.slice("--config=".length), rest: argv.slice(1) };
  if (first !== "--config") return { configPath: fallback, rest: argv };
  if (second === undefined || second === "")
    throw new Failure("usage", "Cannot read --config: it names no file", {
      hint: `as in: ${name} --config ${defaultConfigPath} status`,
    });
  return { configPath: second, rest: argv.slice(2) };
}

/** The one place that turns an error into words and an exit code. */
function report(error: unknown, runtime: Runtime): number {
  if (error instanceof Failure) {
    runtime.talk(`${name}: ${oneLine(error.summary)}`);
    return exitCodes[error.kind];
  }
  runtime.talk(`${name}: bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return 1;
}

function isHelp(word: string | undefined): boolean {
  return word === "--help" || word === "-h";
}

/** What is written of every command; loads them all. */
export async function commandTexts(invocation: Invocation): Promise<readonly CommandText[]> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()));
  return loaded.map((command) => commandText(command(invocation)));
}
