import { hostname, networkInterfaces } from "node:os";
import { main } from "./cli.ts";
import type { Runtime } from "./runtime.ts";

process.umask(0o077);

const stopping = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopping.abort());

const compiled = Bun.main.startsWith("/$bunfs/");

const runtime: Runtime = {
  env: process.env,
  root: "/",
  execPath: process.execPath,
  self: compiled ? [process.execPath] : [process.execPath, Bun.main],
  hostname: hostname(),
  pid: process.pid,
  signal: stopping.signal,
  fetch,
  now: Date.now,
  random: Math.random,
  sleep(ms, signal) {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      // Who is to end waits for what is under way, not for a deadline alone.
      if (stopping.signal.aborted) timer.unref();
      signal?.addEventListener("abort", end);
    });
  },
  async run(argv, { timeoutMs }) {
    try {
      const child = Bun.spawn([...argv], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        timeout: timeoutMs,
        cwd: "/",
      });
      const [stdout, stderr, code] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ]);
      return { code, stdout, stderr };
    } catch (error) {
      return { code: 127, stdout: "", stderr: error instanceof Error ? error.message : String(error) };
    }
  },
  detach(argv) {
    const stdio = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    Bun.spawn([...argv], { ...stdio, detached: true, cwd: "/" }).unref();
  },
  interfaceAddresses: () =>
    Object.values(networkInterfaces()).flatMap((addresses) =>
      (addresses ?? []).map(({ address }) => address),
    ),
  print: (line) => console.log(line),
  talk: (line) => console.error(line),
};

process.exitCode = await main(process.argv.slice(2), runtime);
