import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { binaryPath } from "../support/binary.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { mustRun, runProgram, systemPath } from "../support/program.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { tmuxTerminal } from "../support/tmux.ts";

/** A directory with the program in its bin, and the environment that finds it and a site's configuration. */
async function programFor(web: Site): Promise<TempRoot & { readonly env: Record<string, string> }> {
  const root = tempRoot();
  root.write("bin/.keep", "");
  symlinkSync(await binaryPath(), root.at("bin/fail2ban-cloudflare"));
  const env = { PATH: `${root.at("bin")}:${systemPath}`, FAIL2BAN_CLOUDFLARE_CONFIG: web.configPath };
  return { ...root, env, [Symbol.dispose]: () => root[Symbol.dispose]() };
}

/** What bash is offered for the last word, as the completion function of the script says it. */
async function offers(
  script: string,
  words: readonly string[],
  env: Record<string, string>,
): Promise<string[]> {
  const ask = `${script}
words=("$@")
COMP_WORDS=(fail2ban-cloudflare "\${words[@]}")
COMP_CWORD=$#
# Outside of a completion there is nothing to set options of.
compopt() { :; }
_fail2ban_cloudflare fail2ban-cloudflare "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shell = ["bash", "--norc", "--noprofile", "-c", ask, "bash", ...words];
  return (await mustRun(shell, { env })).trim().split("\n");
}

test("bash is offered commands, options, choices, jails and files where they belong", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.runArgs("ban", "203.0.113.8", "--jail", "$(touch /tmp/never)");
  using program = await programFor(web);
  program.write("etc/snippet.conf", "");
  const { env } = program;
  const script = await mustRun(["fail2ban-cloudflare", "completions", "bash"], { env });
  const offered = (...words: readonly string[]) => offers(script, words, env);
  expect(await offered("sta")).toEqual(["start", "status"]);
  expect(await offered("--config", "/some/file", "un")).toEqual(["unban", "uninstall"]);
  expect(await offered("--")).toEqual(["--config", "--help", "--version"]);
  expect(await offered("status", "--")).toEqual(["--json", "--watch"]);
  expect(await offered("install", "--no")).toEqual(["--no-jail", "--no-import"]);
  expect(await offered("ban", "203.0.113.7", "--mode", "m")).toEqual(["managed_challenge"]);
  expect(await offered("flush", "--family", "")).toEqual(["inet4", "inet6"]);
  expect(await offered("ban", "203.0.113.7", "--bantime", "")).toEqual([""]);
  expect(await offered("completions", "")).toEqual(["bash", "fish", "zsh"]);
  expect(await offered("list", "--jail", "s")).toEqual(["sshd"]);
  expect(await offered("list", "--jail", "$")).toEqual(["\\$\\(touch\\ /tmp/never\\)"]);
  expect(await offered("realip", "--write", program.at("etc/sn"))).toEqual([program.at("etc/snippet.conf")]);
  expect(await offered("install", "--root", program.at("e"))).toEqual([program.at("etc")]);
});

const shells = [
  ["bash", ["bash", "--norc", "--noprofile", "-i"], "source"],
  ["zsh", ["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; source"],
  ["fish", ["fish", "-i"], "source"],
] as const;

test.each(shells)(
  "in a real %s, the Tab key completes a command, an option and a jail",
  async (name, shell, source) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    await web.run("ban 203.0.113.7 --jail nginx-limit-req");
    using program = await programFor(web);
    const { env } = program;
    program.write("script", await mustRun(["fail2ban-cloudflare", "completions", name], { env }));
    await using terminal = await tmuxTerminal({ columns: 160, shell, env });
    await terminal.type(`${source} ${program.at("script")}; clear; echo rea""dy`);
    await terminal.shows(/^ready/m);
    await terminal.write("fail2ban-cloudflare metr");
    await terminal.press("Tab");
    await terminal.shows("fail2ban-cloudflare metrics");
    await terminal.press("C-c");
    // A shell that still ends the line would take what is typed as more of it.
    await terminal.type('clear; echo ag""ain');
    await terminal.shows(/^again/m);
    await terminal.write("fail2ban-cloudflare list --ja");
    await terminal.press("Tab");
    await terminal.shows("list --jail");
    await terminal.write(" ng");
    await terminal.press("Tab");
    await terminal.shows(/list --jail +nginx-limit-req/);
  },
  120_000,
);

test.each([
  ["bash", ["shellcheck", "--shell", "bash", "-"]],
  ["bash", ["bash", "-n"]],
  ["zsh", ["zsh", "-n", "/dev/stdin"]],
  ["fish", ["fish", "--no-execute", "/dev/stdin"]],
])("the script for %s is one to %j", async (name, check) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const { stdout } = await web.run(`completions ${name}`);
  const { code, stdout: said, stderr } = await runProgram(check, { stdin: `${stdout}\n` });
  expect({ code, said, stderr }).toEqual({ code: 0, said: "", stderr: "" });
});

test("no script for another shell, and no journal made for the names of jails", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const { code, stderr } = await web.run("completions tcsh");
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      'fail2ban-cloudflare: Cannot complete for "tcsh": there is no script for it (one of: bash, fish, zsh)',
  });
  expect(await web.run("completions jails")).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(web.dump()).toBe("no journal");
});
