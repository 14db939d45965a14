import { expect, test } from "bun:test";
import { sharedSite } from "../support/shared-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { processesOf } from "../support/program.ts";
import { tmuxTerminal } from "../support/tmux.ts";

const deadlineMs = 90_000;

test(
  "status --watch draws anew on a terminal, and q gives the terminal back as it was",
  async () => {
    await using edge = fakeCloudflare();
    await using web = await sharedSite(edge);
    await using terminal = await tmuxTerminal();
    await web.site.run("ban 203.0.113.1 --jail sshd");
    await terminal.type(`${web.command} status --watch; echo "ended with $?"`);
    const first = await terminal.shows("held      1 by 1 jail, 1 address or network");
    expect(first).toContain("verdict   all is well");
    expect(first).toContain("▁▁▁▁▁▁▁█ 1 in 24 hours");
    expect(await terminal.state()).toEqual({ otherScreen: true, cursor: false });

    await web.site.run("ban 203.0.113.2 --jail nginx-limit-req");
    await web.site.deliverOnce();
    await terminal.shows(/at edge   2 of ours[^]*nginx-limit-req/);

    await terminal.press("x");
    await terminal.press("q");
    const last = await terminal.shows("ended with 0");
    expect(last).not.toContain("held");
    expect(await terminal.state()).toEqual({ otherScreen: false, cursor: true });
    await terminal.type("echo typed is seen");
    await terminal.shows("$ echo typed is seen\ntyped is seen");
  },
  deadlineMs,
);

test.each(["SIGINT", "SIGTERM"] as const)(
  "status --watch ends cleanly by %s, with the exit code of status",
  async (signal) => {
    await using edge = fakeCloudflare();
    await using web = await sharedSite(edge, { config: { zones: '["example.org"]' } });
    await using terminal = await tmuxTerminal();
    await web.site.run("ban 203.0.113.1 --jail sshd");
    await web.site.deliverOnce();
    await terminal.type(`${web.command} status --watch; echo "ended with $?"`);
    const text = await terminal.shows("verdict   the configuration does not serve");
    // A reason is there to be read: it goes on below.
    expect(text).toMatch(/^trouble   config for .*\n {10}\S.*zone/m);
    for (const pid of processesOf("--config", web.site.configPath, "status")) process.kill(pid, signal);
    await terminal.shows("ended with 3");
    expect(await terminal.state()).toEqual({ otherScreen: false, cursor: true });
    await terminal.type("echo typed is seen");
    await terminal.shows("$ echo typed is seen\ntyped is seen");
  },
  deadlineMs,
);

test(
  "status --watch fits a small terminal, and follows its size; Ctrl-C ends it",
  async () => {
    await using edge = fakeCloudflare();
    await using web = await sharedSite(edge);
    await using terminal = await tmuxTerminal({ columns: 60, rows: 24 });
    for (let jail = 1; jail < 10; jail += 1) await web.site.run(`ban 203.0.113.${jail} --jail jail-${jail}`);
    await terminal.type(`${web.command} status --watch; echo "ended with $?"`);
    const narrow = await terminal.shows("… and 6 more: see status --json");
    expect(narrow.split("\n").length).toBeLessThanOrEqual(24);
    expect(narrow).toStartWith("fail2ban-cloudflare");
    await terminal.resize(100, 40);
    const wide = await terminal.shows("jail-9");
    expect(wide).toContain("all is well");
    await terminal.press("C-c");
    await terminal.shows("ended with 0");
  },
  deadlineMs,
);

test(
  "sync shows its progress on one line of a terminal, and takes it away at its end",
  async () => {
    await using edge = fakeCloudflare();
    await using web = await sharedSite(edge);
    await using terminal = await tmuxTerminal();
    for (let last = 0; last < 250; last += 1) await web.site.run(`ban 198.51.100.${last} --jail sshd`);
    await web.site.deliver();
    for (let last = 0; last < 100; last += 1) await web.site.run(`ban 192.0.2.${last} --jail sshd`);
    edge.latencyMs = 200;
    await terminal.type(`${web.command} sync; echo "ended with $?"`);
    await terminal.shows(/^Comparing zone example\.com: [12]\d\d$/m);
    await terminal.shows(/^Delivering: \d+ of 100 \(\d+ %\)$/m);
    expect(await terminal.shows("ended with 0")).not.toMatch(/^(Comparing|Delivering)/m);
  },
  deadlineMs,
);

test(
  "off a terminal sync says a few plain lines where it takes long",
  async () => {
    await using edge = fakeCloudflare();
    await using web = await sharedSite(edge);
    for (let last = 0; last < 200; last += 1) await web.site.run(`ban 198.51.100.${last} --jail sshd`);
    // 25 rounds of 8 calls at once.
    edge.latencyMs = 160;
    const { code, stdout, stderr } = await web.run("sync");
    const missing = stdout.match(/^\+ \S+ at zone example\.com: held for sshd, not there$/gm);
    expect({ code, missing: missing?.length }).toEqual({ code: 0, missing: 200 });
    const said = stderr.trimEnd().split("\n");
    expect(said.filter((line) => !/^Delivering: \d+ of 200 \(\d+ %\)$/.test(line))).toEqual([]);
    expect(said.length).toBeLessThanOrEqual(10);
  },
  deadlineMs,
);
