import { expect } from "bun:test";
import { cloudflareRanges } from "../../src/core/guard.ts";
import { binaryPath } from "../support/binary.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { network, networkTest } from "../support/network.ts";
import { until } from "../support/wait.ts";
import { wholeMachine } from "../support/whole-machine.ts";
import type { WholeMachine } from "../support/whole-machine.ts";

const program = "/usr/local/bin/fail2ban-cloudflare";
const jail = "nginx-limit-req";
const realip = "/etc/nginx/conf.d/cloudflare-realip.conf";

interface Site extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  readonly host: WholeMachine;
  doctor(): Promise<{
    readonly code: number;
    readonly faults: readonly string[];
    readonly mends: readonly string[];
  }>;
  /** Does what doctor says. */
  mend(command: string): Promise<void>;
}

/** A server that an administrator has set up as the README says, at its real paths, with a ban at the edge. */
async function site(): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare());
  edge.ranges = {
    ipv4: cloudflareRanges.filter((range) => !range.includes(":")),
    ipv6: cloudflareRanges.filter((range) => range.includes(":")),
  };
  stack.use(await network());
  const host = stack.use(await wholeMachine());
  await host.must("sh", "-c", "rm -f /etc/fail2ban/jail.d/* /etc/fail2ban/*.local /etc/nginx/conf.d/*");
  host.write(
    "/etc/nginx/nginx.conf",
    `error_log /var/log/nginx/error.log error;
events { }
http {
    include /etc/nginx/conf.d/*.conf;
    limit_req_zone $binary_remote_addr zone=visitors:1m rate=6r/m;
    server { listen 127.0.0.1:80; location / { limit_req zone=visitors burst=1 nodelay; } }
}
`,
  );
  host.write("/var/log/nginx/error.log", "");
  await host.must(await binaryPath(), "install");
  host.write(realip, await host.must(program, "realip"));
  host.write("/etc/fail2ban-cloudflare/config.toml", `api_base = "${edge.url}"\nhost = "web1"\n`, 0o600);
  host.write("/root/token", edge.token, 0o600);
  await host.must(program, "login", "--token-file", "/root/token");
  // Any program of that name will do.
  await host.must("cp", "/bin/sleep", "/usr/local/bin/cron");
  host.start("/usr/local/bin/cron", "infinity");
  host.start("fail2ban-server", "-xf", "start");
  await until(async () => (await host.run(["fail2ban-client", "ping"])).code === 0, {
    deadlineMs: 60_000,
    what: "an answer of fail2ban-server",
  });
  await host.must("fail2ban-client", "set", jail, "banip", "198.51.100.7");
  await until(() => edge.blocked().length === 1, { deadlineMs: 60_000, what: "a block at the edge" });
  const owned = stack.move();
  return {
    edge,
    host,
    async doctor() {
      const { code, stdout } = await host.run([program, "doctor", "--json"], { deadlineMs: 120_000 });
      const { findings } = JSON.parse(stdout) as {
        findings: { check: string; state: string; what: string; mend: string | null }[];
      };
      const found = findings.filter(({ state }) => state !== "ok");
      return {
        code,
        faults: found.map(({ check, what }) => `${check}: ${what}`),
        mends: found.map(({ mend }) => mend ?? ""),
      };
    },
    mend: async (command) => void (await host.must("sh", "-c", command)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const well = { code: 0, faults: [], mends: [] };

networkTest(
  "doctor finds nothing on a real host, and each real fault goes when its command is run",
  async () => {
    await using own = await site();
    const { host, edge, doctor, mend } = own;
    expect(await doctor()).toEqual(well);

    // The action is new to a running jail, and a plain reload drops it.
    const local = `/etc/fail2ban/jail.d/${jail}.local`;
    host.write(
      local,
      `[${jail}]\naction = iptables-multiport[name="%(__name__)s", port="%(port)s", protocol="tcp"]\n`,
    );
    await host.must("fail2ban-client", "reload", "--restart", jail);
    await host.must("rm", local);
    await host.must("fail2ban-client", "reload");
    const dropped = await doctor();
    expect(dropped).toMatchObject({
      code: 3,
      faults: [`live jails: Jail "${jail}" runs without action "cloudflare"`],
    });
    await mend(dropped.mends[0] ?? "");
    expect(await doctor()).toEqual(well);

    await host.must("rm", realip);
    const unknown = await doctor();
    expect(unknown.faults).toEqual([
      "nginx: nginx sets no set_real_ip_from: it takes Cloudflare for the visitor",
    ]);
    // There is no nginx to tell.
    await mend(unknown.mends[0]?.replace(/ && nginx -s reload$/, "") ?? "");
    expect(await doctor()).toEqual(well);

    for (const { id } of edge.rules()) edge.remove(id);
    const gone = await doctor();
    expect(gone.faults).toEqual(["edge: 198.51.100.7 are gone from zone example.com"]);
    await mend(`${program} sync`);
    expect(await doctor()).toEqual(well);
    expect(edge.blocked()).toEqual(["198.51.100.7"]);

    await host.must("chmod", "644", "/etc/fail2ban-cloudflare/token");
    const open = await doctor();
    expect(open.faults).toEqual([
      'credential: Cannot use credential "/etc/fail2ban-cloudflare/token": others can read it',
    ]);
    await mend(open.mends[0] ?? "");
    expect(await doctor()).toEqual(well);

    await host.must(
      "mount",
      "-t",
      "tmpfs",
      "-o",
      "size=1m,mode=700",
      "tmpfs",
      "/var/lib/fail2ban/cloudflare",
    );
    const full = await doctor();
    expect(full.faults[0]).toBe('journal: The disk of "/var/lib/fail2ban/cloudflare" is nearly full');
    await host.must("umount", "/var/lib/fail2ban/cloudflare");

    await host.must("fail2ban-client", "stop");
    expect((await doctor()).faults).toEqual(["live jails: fail2ban is not running"]);
    expect(edge.violations).toEqual([]);
  },
  240_000,
);

networkTest(
  "doctor ends when fail2ban-client hangs, and what it has started keeps its pipes open",
  async () => {
    await using own = await site();
    const { host, doctor } = own;
    host.write(
      "/root/hanging",
      "#!/bin/sh\ntrap '' TERM\nsleep 600 &\necho $! > /root/left\nexec sleep 600\n",
      0o755,
    );
    await host.must("mount", "--bind", "/root/hanging", "/usr/bin/fail2ban-client");
    const { code, faults } = await doctor();
    await host.must("kill", host.read("/root/left").trim());
    expect(code).toBe(3);
    expect(faults).toEqual(["fail2ban: No answer of /usr/bin/fail2ban-client -V: it was ended by a signal"]);
  },
  240_000,
);
