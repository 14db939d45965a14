import { expect } from "bun:test";
import { targets } from "../../scripts/targets.ts";
import { bootDebian, debianTest, jail } from "../support/debian.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { mustRun } from "../support/program.ts";
import { archiveName, releaseDirectory } from "../support/release.ts";
import { until } from "../support/wait.ts";

const absent = ["node", "npm", "bun", "curl", "wget", "jq", "git", "gcc", "unzip", "xz"];

debianTest("the archive alone makes a bare server ban at the edge, and leaves it as it was", async () => {
  await using edge = fakeCloudflare();
  await using server = await bootDebian();
  const looks = absent.map((program) => `command -v ${program}`).join("; ");
  expect((await server.run("sh", "-c", looks)).stdout).toBe("");
  expect(await server.mustRun("cat", "/proc/net/route")).not.toContain("00000000\t");

  const name = archiveName(targets[0]);
  await mustRun(["cp", `${await releaseDirectory()}/${name}.tar.gz`, server.at("root")]);
  await server.mustRun("tar", "-xzf", `/root/${name}.tar.gz`, "-C", "/root");
  const etc = await server.mustRun("sh", "-c", "find /etc -type f | sort | xargs sha256sum");
  await server.mustRun(`/root/${name}/install.sh`);
  server.configure(edge);

  await server.mustRun("fail2ban-client", "set", jail, "banip", "203.0.113.7", "2001:db8::7");
  await until(() => edge.blocked().length === 2, { what: () => server.story(), deadlineMs: 30_000 });
  expect(edge.blocked()).toEqual(["2001:db8::7", "203.0.113.7"].toSorted());
  const { stdout } = await server.run("systemctl", "--failed", "--no-legend");
  expect(stdout).toBe("");
  const journal = (): Promise<string> => server.mustRun("journalctl", "--unit=fail2ban-cloudflare.service");
  await until(async () => (await journal()).includes("Ban 203.0.113.7"), {
    what: () => server.story(),
    deadlineMs: 30_000,
  });
  await server.mustRun("fail2ban-client", "set", jail, "unbanip", "203.0.113.7");
  await until(() => edge.blocked().length === 1, { what: () => server.story(), deadlineMs: 30_000 });
  expect(server.read("var/log/fail2ban.log")).not.toContain("ERROR");
  expect(edge.violations).toEqual([]);

  await server.mustRun(`/root/${name}/install.sh`, "--uninstall");
  await server.mustRun("rm", "-r", "/etc/fail2ban-cloudflare");
  expect(await server.mustRun("sh", "-c", "find /etc -type f | sort | xargs sha256sum")).toBe(etc);
  expect(await server.mustRun("fail2ban-client", "status")).toContain("Number of jail:\t0");
});
