import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { tempRoot } from "../../test/support/temp-root.ts";
import { emptyProgram } from "./empty-program.ts";
import { fillJournal } from "./fill.ts";
import { installation, variablesOf } from "./installation.ts";
import { readAnew } from "./read-anew.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { median, runInTurn } from "./spawn.ts";
import type { Command } from "./spawn.ts";

const manyHolds = 100_000;

/** What a hook costs, and what each part of it costs. */
export async function hook(edge: FakeCloudflare, rounds: number): Promise<Section> {
  using temporary = tempRoot();
  await readAnew("/usr/bin/curl");
  await using few = await installation(edge, { ignore: '["192.0.2.0/24"]' });
  await using many = await installation(edge);
  fillJournal(many.journalPath, manyHolds);
  // To the hooks, a courier is at work: what is measured is theirs alone.
  using _few = courierAt(few.journalPath);
  using _many = courierAt(many.journalPath);
  const env = Object.fromEntries(variablesOf(few.action));
  const ban = (configPath: string, address: string) => ({
    env,
    words: [
      few.binary,
      ...["--config", configPath, "ban", "--jail", "sshd", "--bantime", "600", "--restored", "0"],
      ...["--", address],
    ],
  });
  const commands: readonly (Command & { readonly name: string })[] = [
    { name: "`/bin/true`", words: ["/bin/true"] },
    { name: "`curl --version`", words: ["/usr/bin/curl", "--version"] },
    { name: "an empty program, built the same way", env, words: [await emptyProgram(temporary)] },
    { name: "`--version`", words: [few.binary, "--version"] },
    { name: "`ban` of no address: refused", ...ban(few.configPath, "nobody"), status: 2 },
    { name: "`ban` of an address to ignore: no record", ...ban(few.configPath, "192.0.2.7") },
    { name: "`ban`, few holds", ...ban(few.configPath, "{ipv4}") },
    { name: `\`ban\`, ${manyHolds.toLocaleString("en")} holds`, ...ban(many.configPath, "{ipv4}") },
    { name: "`ban` of an IPv6 address, few holds", ...ban(few.configPath, "2001:db8::{n}") },
  ];
  const samples = await runInTurn(commands, { rounds, warmup: 3 });
  const [nothing, curl, , , , , small, large] = samples;
  if (nothing === undefined || curl === undefined || small === undefined || large === undefined)
    throw new Error("nothing measured");
  const writeMs = durableWriteMs(join(dirname(few.journalPath), "written"), rounds);
  const boundMs = nothing.wallMs + writeMs;
  return {
    title: "A hook",
    how: `Whole processes, as fail2ban starts them: ${rounds} rounds, in turn, medians. The journal is on disk (\`synchronous=FULL\`), and a courier is at work. The programs have been read from disk anew, as after a reboot.`,
    headings: ["", "wall ms", "CPU ms", "peak MiB", "wall, of `curl --version`"],
    rows: commands.map(({ name }, index) => {
      const { wallMs, cpuMs, peakMiB } = samples[index] ?? small;
      return [name, figure(wallMs), figure(cpuMs), figure(peakMiB), `${figure(wallMs / curl.wallMs)} ×`];
    }),
    goals: [
      {
        text: "wall time of a hook to `curl --version`",
        value: small.wallMs / curl.wallMs,
        most: 1,
        unit: "×",
      },
      { text: "peak memory of a hook", value: small.peakMiB, most: 35, unit: "MiB" },
      {
        text: `the same with ${manyHolds.toLocaleString("en")} holds`,
        value: large.wallMs / curl.wallMs,
        most: 1,
        unit: "×",
      },
      { text: "many holds to few", value: large.wallMs / small.wallMs, most: 1.2, unit: "×" },
    ],
    limits: [
      "The empty program is what Bun's own start costs. Each of the four lines after it adds one part: our entry, the command with its parser, the configuration and the guard, the journal with its fsync.",
      `The bound is a fork and exec of \`/bin/true\`, and a page appended to a file there and synced, ${figure(writeMs)} ms: together ${figure(boundMs)} ms. A hook takes ${figure(small.wallMs / boundMs)} times that.`,
    ],
  };
}

/** The median of what it takes to have one more page of a file on disk. */
function durableWriteMs(path: string, rounds: number): number {
  const file = openSync(path, "a");
  const page = Buffer.alloc(4_096);
  const times = Array.from({ length: rounds }, () => {
    const began = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  return median(times);
}

/** What a courier holds while it is at work. */
function courierAt(journalPath: string): Disposable {
  const stack = new DisposableStack();
  stack.use(takeCourierLock(journalPath));
  stack.use(openSqlite(journalPath));
  return stack;
}
