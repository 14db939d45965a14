import { Database } from "bun:sqlite";
import { afterAll, describe, expect } from "bun:test";
import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { bootDebian, debianTest, jail } from "../support/debian.ts";
import type { Debian } from "../support/debian.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { previousRelease, previousVersion } from "../support/previous-release.ts";
import { releaseDirectory } from "../support/release.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

let previous: Promise<TempRoot> | null = null;
afterAll(async () => (await previous)?.[Symbol.dispose]());

interface Manager {
  readonly name: string;
  readonly pattern: RegExp;
  readonly install: readonly string[];
  readonly downgrade: readonly string[];
  readonly remove: readonly string[];
}

const dpkg: Manager = {
  name: "dpkg",
  pattern: /_amd64\.deb$/,
  install: ["dpkg", "--install"],
  downgrade: ["dpkg", "--install"],
  remove: ["dpkg", "--remove", pkg.name],
};
// Its database knows nothing of what Debian's own packages bring.
const rpm: Manager = {
  name: "rpm",
  pattern: /\.x86_64\.rpm$/,
  install: ["rpm", "--upgrade", "--nodeps"],
  downgrade: ["rpm", "--upgrade", "--nodeps", "--oldpackage"],
  remove: ["rpm", "--erase", pkg.name],
};

const program = "usr/bin/fail2ban-cloudflare";
const action = "etc/fail2ban/action.d/cloudflare.local";
const journal = "var/lib/fail2ban/cloudflare/journal.db";
const units = ["fail2ban-cloudflare.path", "fail2ban-cloudflare.timer"];

/** As a program with more migrations leaves the journal; returns the version that it had. */
function setVersion(path: string, version: number): number {
  using db = new Database(path);
  const found = db.query<{ user_version: number }, []>("PRAGMA user_version").get();
  db.run(`PRAGMA user_version = ${version}`);
  return found?.user_version ?? 0;
}

interface Packages {
  readonly older: string;
  readonly newer: string;
}

/** Both packages, copied into the server; their paths there. */
async function bring(server: Debian, { pattern }: Manager): Promise<Packages> {
  previous ??= previousRelease();
  const copy = (directory: string): string => {
    const name = readdirSync(directory).find((one) => pattern.test(one)) ?? "";
    cpSync(join(directory, name), server.at(`root/${name}`));
    return `/root/${name}`;
  };
  return { older: copy((await previous).at("dist/release")), newer: copy(await releaseDirectory()) };
}

async function blocked(server: Debian, edge: FakeCloudflare, addresses: readonly string[]): Promise<void> {
  await until(() => edge.blocked().join() === addresses.toSorted().join(), {
    what: async () => `${addresses.join()} at the edge\n${await server.story()}`,
    deadlineMs: 30_000,
  });
}

const version = async (server: Debian): Promise<string> =>
  (await server.mustRun("fail2ban-cloudflare", "--version")).trim();

async function installedServer(
  manager: Manager,
  edge: FakeCloudflare,
): Promise<Debian & { packages: Packages }> {
  const server = await bootDebian();
  const packages = await bring(server, manager);
  await server.mustRun(...manager.install, packages.older);
  server.configure(edge);
  expect(await version(server)).toBe(previousVersion);
  return { ...server, packages };
}

describe.each([dpkg, rpm])("$name", (manager) => {
  debianTest("an upgrade loses no ban and makes no call for those that stand", async () => {
    await using edge = fakeCloudflare();
    await using server = await installedServer(manager, edge);
    const standing = ["203.0.113.7", "2001:db8::7"];
    await server.mustRun("fail2ban-client", "set", jail, "banip", ...standing);
    await blocked(server, edge, standing);
    await until(() => edge.calls.some(({ path }) => path === "/ips"), {
      what: () => server.story(),
      deadlineMs: 60_000,
    });
    // One that the upgrade finds undelivered.
    await server.mustRun("systemctl", "stop", ...units, "fail2ban-cloudflare.service");
    await server.mustRun("fail2ban-client", "set", jail, "banip", "203.0.113.8");
    const [before, held] = [edge.calls.length, await server.mustRun("fail2ban-cloudflare", "list")];
    expect(held).toContain("203.0.113.8");

    await server.mustRun(...manager.install, server.packages.newer);
    expect(await version(server)).toBe(pkg.version);
    await blocked(server, edge, [...standing, "203.0.113.8"]);
    await server.mustRun("fail2ban-cloudflare", "deliver", "--once");
    expect(edge.calls.slice(before).map(({ method }) => method)).toEqual(["POST"]);
    expect(await server.mustRun("fail2ban-client", "get", jail, "banip")).toContain("203.0.113.7");
    expect(await server.mustRun("systemctl", "is-active", ...units)).toBe("active\nactive\n");
    expect(server.read("var/log/fail2ban.log")).not.toContain("ERROR");
  });

  debianTest("an older version refuses the journal of a newer one, and says so", async () => {
    await using edge = fakeCloudflare();
    await using server = await installedServer(manager, edge);
    await server.mustRun(...manager.install, server.packages.newer);
    await server.mustRun("fail2ban-client", "set", jail, "banip", "203.0.113.7");
    await blocked(server, edge, ["203.0.113.7"]);
    await server.mustRun("systemctl", "stop", ...units, "fail2ban-cloudflare.service");
    const own = setVersion(server.at(journal), 1000);
    const refused = await server.run(...manager.downgrade, server.packages.older);
    expect(`${refused.stdout}${refused.stderr}`).toContain(
      `Cannot use journal "/${journal}": version 1000 is from a newer fail2ban-cloudflare`,
    );
    setVersion(server.at(journal), own);
    await server.mustRun(...manager.install, server.packages.newer);
    expect(await version(server)).toBe(pkg.version);
    expect(await server.mustRun("fail2ban-cloudflare", "list")).toContain("203.0.113.7");
  });

  debianTest("a removal leaves configuration and journal, and nothing that calls the program", async () => {
    await using edge = fakeCloudflare();
    await using server = await installedServer(manager, edge);
    const packaged = server.read("etc/fail2ban/action.d/cloudflare.conf");
    await server.mustRun("fail2ban-client", "set", jail, "banip", "203.0.113.7");
    await blocked(server, edge, ["203.0.113.7"]);
    await server.mustRun(...manager.remove);
    expect(
      [program, action, journal, "etc/fail2ban-cloudflare/token"].map((path) => existsSync(server.at(path))),
    ).toEqual([false, false, true, true]);
    expect(server.read("etc/fail2ban/action.d/cloudflare.conf")).toBe(packaged);
    expect(await server.mustRun("fail2ban-client", "status")).toContain("Number of jail:\t0");
    expect((await server.run("systemctl", "is-enabled", ...units)).stdout).not.toContain("enabled");
  });
});

debianTest(
  "dpkg: without nginx the jail is left out, an upgrade keeps it so, and a purge leaves nothing",
  async () => {
    await using server = await bootDebian();
    const packages = await bring(server, dpkg);
    const jailFile = "etc/fail2ban/jail.d/nginx-limit-req.conf";
    const standing = () => [action, jailFile].map((path) => existsSync(server.at(path)));
    await server.mustRun("rm", "/var/log/nginx/error.log");
    await server.mustRun(...dpkg.install, packages.older);
    expect(standing()).toEqual([true, false]);
    server.write("var/log/nginx/error.log", "");
    await server.mustRun(...dpkg.install, packages.newer);
    expect(standing()).toEqual([true, false]);

    await server.mustRun("dpkg", "--purge", pkg.name);
    const left = ["find", "/etc", "/usr", "/var/lib/fail2ban", "/var/log", "-name", "*cloudflare*"];
    const packaged = [
      "/etc/fail2ban/action.d/cloudflare.conf",
      "/etc/fail2ban/action.d/cloudflare-token.conf",
    ];
    expect((await server.mustRun(...left)).trim().split("\n").toSorted()).toEqual(packaged.toSorted());
  },
);
