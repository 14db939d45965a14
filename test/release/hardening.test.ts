import { expect } from "bun:test";
import { join } from "node:path";
import { targets } from "../../scripts/targets.ts";
import { bootDebian, debianTest, jail } from "../support/debian.ts";
import type { Debian } from "../support/debian.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { memoryGroup } from "../support/memory-group.ts";
import { mustRun } from "../support/program.ts";
import { archiveName, project, releaseDirectory, releaseTest } from "../support/release.ts";
import { until } from "../support/wait.ts";

const unit = "fail2ban-cloudflare.service";

/** Ten times what systemd-analyze may count; docs/release.md says what makes it up. */
const exposure = 17;

releaseTest("systemd finds the courier's unit hardened", { programs: ["systemd-analyze"] }, async () => {
  const file = join(project, "src/fail2ban/system", unit);
  const options = ["--offline=true", `--threshold=${exposure}`, "--no-pager"];
  expect(await mustRun(["systemd-analyze", "security", ...options, file])).toContain("OK");
});

/** As NixOS and the ArchWiki run fail2ban. */
const hardenedFail2ban = `[Service]
ProtectSystem=strict
ReadWritePaths=/var/lib/fail2ban /run/fail2ban /var/log
ProtectHome=yes
PrivateTmp=yes
NoNewPrivileges=yes
MemoryDenyWriteExecute=yes
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=CAP_AUDIT_READ CAP_DAC_READ_SEARCH CAP_NET_ADMIN CAP_NET_RAW
`;

async function hardenedServer(launcher: readonly string[]): Promise<Debian> {
  const server = await bootDebian(launcher);
  const name = archiveName(targets[0]);
  await mustRun(["tar", "-xzf", join(await releaseDirectory(), `${name}.tar.gz`), "-C", server.at("root")]);
  await server.mustRun(`/root/${name}/install.sh`);
  server.write("etc/systemd/system/fail2ban.service.d/hardening.conf", hardenedFail2ban);
  await server.mustRun("systemctl", "daemon-reload");
  await server.mustRun("mount", "-o", "remount,noexec", "/tmp");
  await server.mustRun("systemctl", "restart", "fail2ban.service");
  await until(async () => (await server.run("fail2ban-client", "ping")).code === 0, {
    what: () => server.story(),
    deadlineMs: 60_000,
  });
  return server;
}

debianTest(
  "hooks and courier work hardened, on a server of 256 MB, and where /tmp runs nothing",
  async () => {
    await using edge = fakeCloudflare();
    // All of it together: systemd, fail2ban, hooks and courier.
    using memory = memoryGroup(256 * 1024 * 1024);
    await using server = await hardenedServer(memory.launcher);
    server.configure(edge);
    expect(await server.mustRun("systemd-analyze", "verify", `/etc/systemd/system/${unit}`)).toBe("");
    const addresses = Array.from({ length: 200 }, (_, index) => `203.0.113.${index + 1}`);
    edge.latencyMs = 100;
    await server.mustRun("fail2ban-client", "set", jail, "banip", ...addresses);
    const pid = await until(
      async () => Number(await server.mustRun("systemctl", "show", "-P", "MainPID", unit)),
      { what: () => server.story(), deadlineMs: 30_000 },
    );
    const status = await server.mustRun("cat", `/proc/${pid}/status`);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(status).toMatch(/^CapBnd:\t0+$/m);
    expect(await server.mustRun("cat", `/proc/${pid}/mountinfo`)).toMatch(/ \/ \/ ro,/);
    await until(() => edge.blocked().length === addresses.length, {
      what: () => server.story(),
      deadlineMs: 60_000,
    });
    expect(server.read("var/log/fail2ban.log")).not.toContain("ERROR");
  },
);
