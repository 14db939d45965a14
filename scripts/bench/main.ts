/**
 * Measures against the stock actions and the floor, and writes docs/benchmarks.md: `bun run bench [SECTION...]`.
 * With sections named, prints these alone and writes nothing.
 */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { binaryPath } from "../../test/support/binary.ts";
import { fail2banVersion } from "../../test/support/fail2ban.ts";
import { fakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { arrival } from "./arrival.ts";
import { blocked } from "./blocked.ts";
import { courier } from "./courier.ts";
import { fleet } from "./fleet.ts";
import { hang } from "./hang.ts";
import { hook } from "./hook.ts";
import { lists } from "./lists.ts";
import { readAnew } from "./read-anew.ts";
import { holds, renderSection } from "./report.ts";
import type { Section } from "./report.ts";
import { restart } from "./restart.ts";
import { parts, size } from "./size.ts";
import { work } from "./work.ts";

const sections: Readonly<Record<string, (edge: FakeCloudflare) => Promise<Section>>> = {
  hook: (edge) => hook(edge, 40),
  blocked: (edge) => blocked(edge, 2),
  hang: (edge) => hang(edge, 3),
  restart: (edge) => restart(edge, 3),
  arrival: (edge) => arrival(edge, 10),
  lists: (edge) => lists(edge),
  courier: (edge) => courier(edge, 10),
  work: (edge) => work(edge, 3),
  fleet: () => fleet(40),
  size,
  parts,
};

const chosen = process.argv.slice(2);
const names = chosen.length === 0 ? Object.keys(sections) : chosen;
const done: Section[] = [];
await readAnew(await binaryPath());
for (const name of names) {
  const measure = sections[name];
  if (measure === undefined)
    throw new Error(`there is no section ${name}: ${Object.keys(sections).join(", ")}`);
  // Of its own for each, and without a limit: how calls are limited is no matter of speed.
  await using edge = fakeCloudflare({ contract: "off", limit: { calls: 1_000_000, windowMs: 300_000 } });
  const section = await measure(edge);
  done.push(section);
  console.log(`${renderSection(section)}\n`);
}
if (chosen.length === 0) await Bun.write(join(import.meta.dir, "../../docs/benchmarks.md"), await page(done));
process.exitCode = done.every(({ goals }) => goals.every(holds)) ? 0 : 1;

async function page(all: readonly Section[]): Promise<string> {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const versions = `fail2ban-cloudflare ${pkg.version}, Bun ${Bun.version}, fail2ban ${await fail2banVersion()}`;
  const date = new Date().toISOString().slice(0, 10);
  return [
    "# Benchmarks",
    `Written by \`bun run bench\` on ${date}: ${machine}; ${versions}. Figures of a virtual machine are noisy; ratios are of medians, both sides in one run.`,
    ...all.map(renderSection),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}
