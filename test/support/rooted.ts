import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { main } from "../../src/cli.ts";
import type { Fetch, Runtime } from "../../src/runtime.ts";
import type { Ended } from "./site.ts";

/** A whole machine in a directory: whatever a configuration says, nothing outside is written and nobody else called. */
export interface Rooted extends Disposable {
  readonly root: string;
  /** Writes a file below the root, mode 0600. */
  write(path: string, content: string | Uint8Array): void;
  run(...args: readonly string[]): Promise<Ended>;
  /** All that stands in the files below the root, beside those named. */
  written(...except: readonly string[]): string;
}

/** `origin` is the only place that can be reached; every wait takes no time. */
export function rooted(origin: string): Rooted {
  const root = mkdtempSync(join(tmpdir(), "fail2ban-cloudflare-root-"));
  const clock = { now: Date.now() };
  const only: Fetch = (url, init) =>
    url.startsWith(origin)
      ? fetch(url, init)
      : Promise.reject(Object.assign(new Error("Unable to connect"), { code: "ConnectionRefused" }));
  return {
    root,
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content, { mode: 0o600 });
    },
    async run(...args) {
      const [stdout, stderr]: [string[], string[]] = [[], []];
      const runtime: Runtime = {
        env: {},
        root,
        execPath: "/nonexistent",
        self: ["/nonexistent"],
        hostname: "web1",
        pid: process.pid,
        signal: new AbortController().signal,
        fetch: only,
        now: () => clock.now,
        random: Math.random,
        async sleep(ms) {
          await Bun.sleep(0);
          clock.now += ms;
        },
        run: async () => ({ code: 127, stdout: "", stderr: "" }),
        detach: () => {},
        keyboard: () => null,
        interfaceAddresses: () => [],
        print: (line) => void stdout.push(line),
        talk: (line) => void stderr.push(line),
        terminal: () => null,
      };
      const code = await main(args, runtime);
      return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
    },
    written: (...except) =>
      readdirSync(root, { recursive: true, encoding: "utf8" })
        .filter((name) => !except.includes(name) && statSync(join(root, name)).isFile())
        .map((name) => readFileSync(join(root, name), "latin1"))
        .join("\n"),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
