import type { ArgsDef, CommandDef } from "citty";
import { join } from "node:path";
import pkg from "../package.json" with { type: "json" };
import { parseCommandLine } from "./arguments.ts";
import type { Invocation } from "./commands/invocation.ts";
import { defaultConfigPath } from "./config.ts";
import { quoted } from "./core/address.ts";
import { exitCodes, Failure } from "./errors.ts";
import { oneLine } from "./log.ts";
import { nearest } from "./nearest.ts";
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
  fleet: async () => (await import("./commands/fleet.ts")).fleet,
  install: async () => (await import("./commands/install.ts")).install,
  uninstall: async () => {
    const { uninstall } = await import("./commands/uninstall.ts");
    return (invocation: Invocation) => uninstall(invocation);
  },
  realip: async () => (await import("./commands/realip.ts")).realip,
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
  if (command === undefined || command === "--help" || command === "help") {
    runtime.print(overview());
    return command === undefined ? exitCodes.usage : 0;
  }
  const load = commands[command];
  if (load === undefined) {
    throw new Failure("usage", `Cannot run ${quoted(command)}: there is no such command`, {
      hint: `did you mean ${nearest(command, Object.keys(commands))}? see: ${name} --help`,
    });
  }
  const definition = (await load())({ runtime, configPath });
  if (args.length === 1 && args[0] === "--help") {
    const { renderUsage } = await import("citty");
    runtime.print(Bun.stripANSI(await renderUsage(definition, { meta: { name } })));
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
  const fallback = runtime.env["FAIL2BAN_CLOUDFLARE_CONFIG"] ?? join(runtime.root, defaultConfigPath);
  const [first = "", second] = argv;
  if (first.startsWith("--config="))
    return { configPath: first.slice("--config=".length), rest: argv.slice(1) };
  if (first !== "--config") return { configPath: fallback, rest: argv };
  if (second === undefined || second === "")
    throw new Failure("usage", "Cannot read --config: it names no file");
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

function overview(): string {
  return [
    `${name} ${pkg.version}: blocks what fail2ban bans at Cloudflare's edge`,
    "",
    `Usage: ${name} [--config FILE] COMMAND [OPTIONS]`,
    "",
    `Commands: ${Object.keys(commands).join(", ")}`,
    `${name} COMMAND --help explains one.`,
  ].join("\n");
}
