import type { ArgsDef } from "citty";
import { parseCommandLine } from "../../src/arguments.ts";
import { install } from "../../src/commands/install.ts";
import { uninstall } from "../../src/commands/uninstall.ts";
import type { Ask } from "../../src/commands/install/offer.ts";
import type { PurgeEdge } from "../../src/commands/uninstall.ts";
import { exitCodes, Failure } from "../../src/errors.ts";
import type { Runtime } from "../../src/runtime.ts";
import { testRuntime } from "./runtime.ts";
import type { Ended } from "./site.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";

/** A server on which fail2ban is installed, in a directory. */
export interface Machine extends TempRoot {
  install(...args: readonly string[]): Promise<Ended>;
  uninstall(...args: readonly string[]): Promise<Ended>;
  /** Command lines of other programs, by their bare names. */
  readonly calls: string[];
}

export interface MachineOptions {
  readonly run?: Runtime["run"];
  readonly purgeEdge?: PurgeEdge;
  /** Whoever is at the terminal; nobody when not given. */
  readonly ask?: Ask;
  readonly signal?: AbortSignal;
  /** Text of the program that is installed. */
  readonly binary?: string;
  /** Where the program stands that runs. */
  readonly program?: string;
}

export const packagedAction =
  "# the package's own\n[Definition]\nactionban = curl\n[Init]\ncftoken =\ncfuser =\n";

export function machine({
  run,
  purgeEdge,
  ask = async () => null,
  signal,
  binary = "#!/bin/sh\n",
  program = "dist/fail2ban-cloudflare",
}: MachineOptions = {}): Machine {
  const root = tempRoot();
  root.write("etc/fail2ban/jail.conf", "[DEFAULT]\n");
  root.write("etc/fail2ban/action.d/cloudflare.conf", packagedAction);
  root.write("etc/fail2ban/filter.d/nginx-limit-req.conf", "[Definition]\n");
  root.write("etc/fail2ban/jail.d/defaults-debian.conf", "[sshd]\nenabled = true\n");
  root.write("etc/cron.d/other", "");
  root.write("etc/logrotate.d/other", "");
  root.write("usr/bin/fail2ban-client", "", 0o755);
  root.write("usr/sbin/iptables", "", 0o755);
  root.write("var/log/nginx/error.log", "");
  root.write(program, binary, 0o755);
  const calls: string[] = [];
  const runtime = () =>
    testRuntime({
      root: root.path,
      execPath: root.at(program),
      ...(signal === undefined ? {} : { signal }),
      ...(run === undefined
        ? {}
        : {
            run: (argv, options) => {
              calls.push(
                argv.map((word) => word.replace(/^.*\/usr\/bin\//, "").replace(root.path, "")).join(" "),
              );
              return run(argv, options);
            },
          }),
    });
  const perform = async (name: "install" | "uninstall", args: readonly string[]): Promise<Ended> => {
    const own = runtime();
    const invocation = { runtime: own, configPath: root.at("etc/fail2ban-cloudflare/config.toml") };
    const command = name === "install" ? install(invocation, ask) : uninstall(invocation, purgeEdge);
    const end = (code: number): Ended => ({
      code,
      stdout: own.printed.join("\n").replaceAll(root.path, ""),
      stderr: own.talked.join("\n").replaceAll(root.path, ""),
    });
    try {
      const parsed = parseCommandLine(name, args, command.args as ArgsDef);
      // The two commands' own types of arguments differ; both were just parsed by the definition.
      const code = await command.run?.({ rawArgs: [...args], args: parsed as never, cmd: command as never });
      return end(Number(code));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      own.talk(error.summary);
      return end(exitCodes[error.kind]);
    }
  };
  return {
    ...root,
    calls,
    install: (...args) => perform("install", args),
    uninstall: (...args) => perform("uninstall", args),
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}
