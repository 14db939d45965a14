import { expect, test } from "bun:test";
import pkg from "../../package.json" with { type: "json" };
import { runBinary } from "../support/binary.ts";
import { fail2banServer } from "../support/fail2ban.ts";
import type { Fail2ban } from "../support/fail2ban.ts";
import { network, networkTest, server } from "../support/network.ts";
import { nginx } from "../support/nginx.ts";
import type { Nginx } from "../support/nginx.ts";
import { isAlive, runProgram, startProgram } from "../support/program.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

const jail = "nginx-limit-req";
const listen = [`${server.ipv4}:80`, `[${server.ipv6}]:80`];

function writeJail(fail2ban: Fail2ban, web: Nginx): void {
  fail2ban.write(
    "jail.d/web.conf",
    `[${jail}]
enabled = true
backend = auto
port = http,https
logpath = ${web.logs}
findtime = 60
bantime = 600
maxretry = 3
action = iptables-multiport[name="%(__name__)s", port="%(port)s", protocol="tcp"]
`,
  );
}

networkTest(
  "a visitor above nginx's limit is banned by the real jail, and served again after unban",
  async () => {
    await using net = await network();
    await using web = await nginx({ listen });
    await using fail2ban = await fail2banServer();
    writeJail(fail2ban, web);
    await fail2ban.start();
    const attackers = ["198.51.100.7", "2001:db8::7"];

    for (const attacker of attackers) {
      expect(await net.requests(5, attacker)).toEqual([200, 200, 429, 429, 429]);
    }
    const all = async () => (await net.rejected(jail)).length === 2;
    await until(all, { what: () => `both addresses in the firewall\n${web.log()}${fail2ban.log()}` });
    expect(await net.rejected(jail)).toEqual(attackers);
    expect((await fail2ban.banned(jail)).toSorted()).toEqual(attackers);
    for (const attacker of attackers) expect(await net.request(attacker)).toBe("refused");
    expect(await net.request("198.51.100.8")).toBe(200);
    expect(await net.request("2001:db8::8")).toBe(200);

    await fail2ban.unbanip(jail, ...attackers);
    expect(await net.rejected(jail)).toEqual([]);
    expect(await fail2ban.banned(jail)).toEqual([]);
    for (const attacker of attackers) expect(await net.request(attacker, { path: "/free" })).toBe(200);
    await fail2ban.stop();
    expect(await net.firewall()).toEqual([]);
  },
);

networkTest("nginx believes CF-Connecting-IP from the trusted addresses only", async () => {
  await using net = await network();
  await using web = await nginx({ listen, trusted: ["203.0.113.241"] });
  const headers = { "CF-Connecting-IP": "198.51.100.7" };
  await net.requests(3, "203.0.113.241", { headers });
  expect(web.log()).toContain("client: 198.51.100.7,");
  expect(web.log()).not.toContain("client: 203.0.113.241,");
  await net.requests(3, "203.0.113.9", { headers });
  expect(web.log()).toContain("client: 203.0.113.9,");
});

networkTest(
  "a fail2ban that is killed runs no action, and restores its bans when it starts again",
  async () => {
    await using net = await network();
    await using web = await nginx({ listen });
    await using fail2ban = await fail2banServer({ loglevel: "DEBUG" });
    writeJail(fail2ban, web);
    await fail2ban.start();
    await fail2ban.banip(jail, "198.51.100.7");
    const isStored = () => fail2ban.stored(jail).includes("198.51.100.7");
    await until(isStored, { what: () => `the ban in the database\n${fail2ban.log()}` });
    await fail2ban.kill();
    expect(await net.rejected(jail)).toEqual(["198.51.100.7"]);
    const isRestored = async () => (await fail2ban.banned(jail)).includes("198.51.100.7");
    await fail2ban.start();
    await until(isRestored, { what: () => `the restored ban\n${fail2ban.log()}` });
    expect(fail2ban.log()).toContain("Restore Ban 198.51.100.7");
    await fail2ban.restart();
    await until(isRestored, { what: () => `the ban after a restart\n${fail2ban.log()}` });
  },
);

test("the binary runs with nothing in its environment, and says its version", async () => {
  const { code, stdout, stderr } = await runBinary(["--version"]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${pkg.version}\n`, stderr: "" });
});

test("a program that is run gets no more environment than it was given, and its input", async () => {
  const { stdout } = await runProgram(["/bin/sh", "-c", "/usr/bin/env; cat; pwd"], {
    env: { A: "1" },
    stdin: "typed\n",
  });
  expect(stdout.split("\n").filter((line) => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line))).toEqual([
    "A=1",
    "typed",
    "/",
    "",
  ]);
});

test("a program that leaves its pipes to another is not waited for after the deadline", async () => {
  using temporary = tempRoot();
  const script = `sleep 30 & echo $! > ${temporary.at("pid")}`;
  const run = runProgram(["/bin/sh", "-c", script], { deadlineMs: 2_000 });
  expect(await run.catch(String)).toContain("has ended, its pipes are still open after 2000 ms");
  process.kill(Number(temporary.read("pid")), "SIGKILL");
});

test("a program that is started ends by the signal, or by SIGKILL, and is gone", async () => {
  using temporary = tempRoot();
  const program = startProgram(["sleep", "infinity"], temporary.at("output"));
  expect([program.isRunning, isAlive(program.pid)]).toEqual([true, true]);
  await program.end("SIGTERM");
  expect([program.isRunning, isAlive(program.pid)]).toEqual([false, false]);
});

test("until returns what it waited for, and says what did not come", async () => {
  let asked = 0;
  expect(await until(() => (asked += 1) > 2 && asked, { what: "three" })).toBe(3);
  const late = until(() => false, { what: () => "the moon", deadlineMs: 30 });
  expect(await late.catch(String)).toBe("Error: Not within 30 ms: the moon");
});
