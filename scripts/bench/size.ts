import { statSync } from "node:fs";
import { binaryPath } from "../../test/support/binary.ts";
import { mustRun } from "../../test/support/program.ts";
import { tempRoot } from "../../test/support/temp-root.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";

const million = 1e6;

/** What the binary weighs, and what of it is Bun. */
export async function size(): Promise<Section> {
  using temporary = tempRoot();
  const runtime = process.execPath;
  const binary = await binaryPath();
  const compressed = async (path: string): Promise<number> => {
    const target = temporary.at("compressed");
    await mustRun(["/bin/sh", "-c", 'exec xz -6 -T1 -c "$0" >"$1"', path, target], { deadlineMs: 300_000 });
    return statSync(target).size;
  };
  const sizes = [runtime, binary].map((path) => statSync(path).size);
  const packed = [await compressed(runtime), await compressed(binary)];
  const [bun = 0, all = 0] = sizes;
  const [bunPacked = 0, allPacked = 0] = packed;
  const row = (name: string, plain: number, xz: number): string[] => [
    name,
    figure(plain / million),
    figure(xz / million),
  ];
  return {
    title: "Size",
    how: "This machine's binary against the Bun that it was built with; compressed with `xz -6`.",
    headings: ["", "MB", "MB, xz"],
    rows: [
      row("Bun", bun, bunPacked),
      row("fail2ban-cloudflare", all, allPacked),
      row("the difference", all - bun, allPacked - bunPacked),
    ],
    goals: [],
    limits: [
      "The difference is our code, its packages, their bytecode and the source map; the bytecode is what makes the start short.",
    ],
  };
}
