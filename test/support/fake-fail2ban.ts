import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { RunResult, Runtime } from "../../src/runtime.ts";
import type { TempRoot } from "./temp-root.ts";

export interface FakeFail2ban {
  version: string;
  /** What `-t` finds wrong. */
  errors: () => readonly string[];
  running: boolean;
  /** What the running server has. */
  readonly jails: Map<string, readonly string[]>;
  /** Lines of `-d` about other jails. */
  dumped: readonly string[];
  /** Words of a systemctl or fail2ban-client command that fails. */
  failing: string;
  readonly run: Runtime["run"];
}

const fine = (stdout = ""): RunResult => ({ code: 0, stdout, stderr: "" });
const broken = (...errors: readonly string[]): RunResult => ({
  code: 255,
  stdout: "",
  stderr: errors.map((error) => `2026-11-24 10:00:00,000 fail2ban [1]: ERROR   ${error}`).join("\n"),
});

/** Stands for fail2ban-client and systemctl: knows the one jail by its file. The real ones are in test/e2e. */
export function fakeFail2ban(root: () => TempRoot): FakeFail2ban {
  const jailFile = (): string => root().at("etc/fail2ban/jail.d/nginx-limit-req.conf");
  const configured = (): readonly string[] | null => {
    if (!existsSync(jailFile())) return null;
    const [, list = ""] = /^action\s*=\s*([\s\S]*?)\n(?=\S|$)/m.exec(readFileSync(jailFile(), "utf8")) ?? [];
    return list
      .split(/\n\s+/)
      .map((line) => line.trim().replace(/\[.*$/, "").replace("%(action_)s", "nftables"));
  };
  /** What the running server calls to lift a ban, by jail and action. */
  const lifting = new Map<string, string>();
  const fake: FakeFail2ban = {
    version: "1.0.2",
    errors: () => [],
    running: true,
    jails: new Map(),
    dumped: [],
    failing: "",
    async run(argv) {
      const [program = "", ...rest] = argv;
      const words = rest[0] === "-c" ? rest.slice(2) : rest;
      if (fake.failing !== "" && words.join(" ").includes(fake.failing))
        return broken(`${fake.failing} failed`);
      if (basename(program) === "systemctl") return fine();
      const jail = words.at(-1) ?? "";
      switch (words[0]) {
        case "-V":
          return fine(`${fake.version}\n`);
        case "-t": {
          const errors = fake.errors();
          return errors.length === 0 ? fine("OK") : broken(...errors, "ERROR: test configuration failed");
        }
        case "-d": {
          const actions = configured();
          const lines = (actions ?? []).flatMap((name) => [
            `['set', 'nginx-limit-req', 'addaction', '${name}']`,
            `['multi-set', 'nginx-limit-req', 'action', '${name}', [['actionban', '${commandOf(root(), name)}']]]`,
          ]);
          return fine(
            [
              ...fake.dumped,
              ...(actions === null
                ? ["['set', 'syslogsocket', 'auto']"]
                : [
                    "['add', 'nginx-limit-req', 'auto']",
                    "['set', 'nginx-limit-req', 'addlogpath', '/var/log/nginx/error.log', 'head']",
                    ...lines,
                  ]),
            ].join("\n"),
          );
        }
        case "ping":
          return fake.running ? fine("Server replied: pong") : broken("Failed to access socket path");
        case "set":
          lifting.set(`${words[1]} ${words[3]}`, words[5] ?? "");
          return fine();
        case "get": {
          if (words[2] === "action") return fine(`${lifting.get(`${words[1]} ${words[3]}`) ?? "curl"}\n`);
          const actions = fake.jails.get(words[1] ?? "");
          return actions === undefined
            ? broken("does not exist")
            : fine(`The jail has the following actions:\n${actions.join(", ")}\n`);
        }
        case "status":
          return fine(
            `Status\n|- Number of jail:\t${fake.jails.size}\n\`- Jail list:\t${[...fake.jails.keys()].join(", ")}\n`,
          );
        case "reload":
          if (jail !== "nginx-limit-req") return fine("OK");
          fake.jails.set(jail, configured() ?? []);
          for (const name of configured() ?? []) lifting.set(`${jail} ${name}`, commandOf(root(), name));
          return fine("OK");
        case "stop":
          fake.jails.delete(jail);
          return fine();
        default:
          return broken(`unknown ${words.join(" ")}`);
      }
    },
  };
  return fake;
}

function commandOf(root: TempRoot, action: string): string {
  const path = `etc/fail2ban/action.d/${action}`;
  const files = [`${path}.conf`, `${path}.local`].filter(
    (file) => existsSync(root.at(file)) && root.read(file).includes("[Definition]"),
  );
  const last = files.at(-1);
  return last !== undefined && root.read(last).includes("fail2ban-cloudflare")
    ? "fail2ban-cloudflare ban"
    : "curl";
}
