import { main } from "./cli.ts";
import type { Runtime } from "./runtime.ts";
import { hostName, localAddresses } from "./this-machine.ts";

process.umask(0o077);

const stopping = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stopping.abort());

const compiled = Bun.main.startsWith("/$bunfs/");

/** For what the kernel's own files do not say: it takes a hook longer than they do. */
const os = () => process.getBuiltinModule("node:os");

const runtime: Runtime = {
  env: process.env,
  root: "/",
  execPath: process.execPath,
  self: compiled ? [process.execPath] : [process.execPath, Bun.main],
  hostname: hostName() ?? os().hostname(),
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
      // What it has started may outlive it and keep the pipes open, and it need not end when it is asked to.
      const late = new AbortController();
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        late.abort();
      }, timeoutMs + 1_000);
      const [stdout, stderr, code] = await Promise.all([
        textOf(child.stdout, late.signal),
        textOf(child.stderr, late.signal),
        child.exited,
      ]);
      clearTimeout(timer);
      return { code, stdout, stderr };
    } catch (error) {
      return { code: 127, stdout: "", stderr: error instanceof Error ? error.message : String(error) };
    }
  },
  detach(argv) {
    const stdio = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    // The action takes the compiler from hooks, which end too soon for it; what is started here may be at work for long.
    const { BUN_JSC_useJIT: _, ...env } = process.env;
    Bun.spawn([...argv], { ...stdio, env, detached: true, cwd: "/" }).unref();
  },
  interfaceAddresses: () =>
    localAddresses() ??
    Object.values(os().networkInterfaces()).flatMap((addresses) =>
      (addresses ?? []).map(({ address }) => address),
    ),
  print: (line) => console.log(line),
  talk: (line) => console.error(line),
  terminal(name) {
    const stream = process[name];
    if (!stream.isTTY) return null;
    return {
      // A serial console may not know its size.
      get columns() {
        return stream.columns || 80;
      },
      get rows() {
        return stream.rows || 24;
      },
      write: (text) => void stream.write(text),
    };
  },
  keyboard() {
    const { stdin } = process;
    if (!stdin.isTTY) return null;
    return {
      listen(onKeys) {
        const hear = (typed: Buffer): void => onKeys(typed.toString());
        stdin.setRawMode(true).on("data", hear).resume();
        return {
          [Symbol.dispose]() {
            stdin.off("data", hear).pause().setRawMode(false);
          },
        };
      },
    };
  },
};

// At once: nothing is under way any more, and to find that out would take a hook half a millisecond.
process.exit(await main(process.argv.slice(2), runtime));

/** All that comes out of a pipe until it is closed, or until the signal. */
async function textOf(pipe: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<string> {
  const reader = pipe.getReader();
  signal.addEventListener("abort", () => void reader.cancel());
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read())
    text += decoder.decode(part.value, { stream: true });
  return text;
}
