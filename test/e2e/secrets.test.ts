import { expect } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { watchProcesses } from "../support/process-watch.ts";
import { systemPath } from "../support/program.ts";
import { jail, protectedSite } from "../support/protected-site.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

/** Stands for a token, wherever one can stand. */
const marker = "planted-marker-token";

interface Place {
  /** Lines of the configuration; null leaves one out. */
  readonly config: Readonly<Record<string, string | null>>;
  /** Of fail2ban, and so of its hooks and of the couriers that they start. */
  readonly env?: (beside: TempRoot) => Readonly<Record<string, string>>;
  /** The file that has it, below the root. */
  readonly file?: string;
  /** The text that the installed file gets. */
  readonly planted?: (text: string) => string;
}

const nowhere = { api_token_file: null };

const places: readonly (readonly [name: string, place: Place])[] = [
  ["the token file", { config: {}, file: "etc/fail2ban-cloudflare/token", planted: () => `${marker}\n` }],
  [
    "the configuration",
    {
      config: { ...nowhere, api_token: JSON.stringify(marker) },
      file: "etc/fail2ban-cloudflare/config.toml",
    },
  ],
  [
    "action.d",
    {
      config: nowhere,
      file: "etc/fail2ban/action.d/cloudflare.conf",
      planted: (text) => text.replace(/^cftoken =$/m, `cftoken = ${marker}`),
    },
  ],
  ["the environment", { config: nowhere, env: () => ({ CLOUDFLARE_API_TOKEN: marker }) }],
  [
    "systemd's credential directory",
    {
      config: nowhere,
      env(beside) {
        beside.write("cloudflare-token", marker, 0o600);
        return { CREDENTIALS_DIRECTORY: beside.path };
      },
    },
  ],
];

/** The files below a root, but for one and the program, as `[path, content]`. */
function filesOf(root: TempRoot, except: string | undefined): (readonly [string, string])[] {
  const names = readdirSync(root.path, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name !== except && name !== "usr/local/bin/fail2ban-cloudflare")
    .filter((name) => statSync(root.at(name)).isFile())
    .map((name) => [name, readFileSync(root.at(name), "latin1")]);
}

const commands = [
  "status",
  "status --json",
  "list",
  "list --json",
  "sync",
  "deliver --once",
  `ban 198.51.100.10 --jail ${jail} --wait`,
];

networkTest.each(places)(
  "a token in %s shows in no process, log, journal, output or error",
  async (_, { config, env = () => ({}), file, planted }) => {
    await using edge = fakeCloudflare();
    edge.grant(marker, { permissions: "all" });
    using beside = tempRoot();
    const given = { PATH: systemPath, ...env(beside) };
    await using site = await protectedSite(edge, { loglevel: "HEAVYDEBUG", env: given, config });
    if (file !== undefined && planted !== undefined) {
      site.root.write(file, planted(site.root.read(file)), 0o600);
    }
    await using watch = watchProcesses();
    await site.fail2ban.start();

    await site.fail2ban.banip(jail, "198.51.100.7");
    await site.blockedEverywhere("198.51.100.7");
    edge.revoke(marker);
    await site.fail2ban.banip(jail, "198.51.100.8");
    await until(() => site.log().includes("rejects the credential"), { what: site.story });
    // The hook that says so: fail2ban logs its whole command.
    await site.fail2ban.banip(jail, "198.51.100.9");
    const output = [(await site.fail2ban.client("-vvv", "-d")).stdout];
    for (const command of commands) {
      const { stdout, stderr } = await site.run(command.split(" "), { env: given });
      output.push(stdout, stderr);
    }
    const logs = [site.fail2ban.logPath, site.fail2ban.databasePath];
    const files = [
      ...filesOf(site.root, file),
      ...logs.map((path) => [path, readFileSync(path, "latin1")] as const),
    ];
    const lines = watch.seen.map(({ commandLine }) => commandLine);

    // What is looked through is what was meant to be.
    expect(output.join("\n")).toContain("rejects the credential");
    expect(site.fail2ban.log()).toMatch(/ERROR .*cloudflare.* ban --jail/);
    expect(files.map(([path]) => path)).toContain("var/lib/fail2ban/cloudflare/journal.db-wal");
    for (const ours of ["ban --jail", "deliver"]) {
      expect(lines.filter((line) => line.includes(`${site.configPath} ${ours}`))).not.toEqual([]);
    }

    expect(files.filter(([, text]) => text.includes(marker)).map(([path]) => path)).toEqual([]);
    expect(output.filter((text) => text.includes(marker))).toEqual([]);
    expect(lines.filter((line) => line.includes(marker))).toEqual([]);
    const told = watch.seen.filter(({ environment }) => environment.includes(marker));
    expect(told.length > 0).toBe(Object.values(given).includes(marker));
  },
);
