import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProgram, startProgram, systemPath } from "./program.ts";
import type { Ended, Program, RunOptions } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** This machine once more, all of it at its real paths: what is written there is seen there alone, and gone in the end. */
export interface WholeMachine extends AsyncDisposable {
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  run(argv: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs a program that has no business failing. */
  must(...argv: readonly string[]): Promise<string>;
  /** Starts a program that runs until the machine is gone. */
  start(...argv: readonly string[]): Program;
}

/** What programs write to. */
const writable = ["etc", "usr", "var"];

/** In a mount namespace of its own, with a layer in memory over each of them; /run begins empty. */
const script = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for name in ${writable.join(" ")}; do
  mkdir -p "/mnt/$name/upper" "/mnt/$name/work"
  mount -t overlay overlay -o "lowerdir=/$name,upperdir=/mnt/$name/upper,workdir=/mnt/$name/work" "/$name"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/fail2ban
echo ready
exec sleep infinity`;

export async function wholeMachine(): Promise<WholeMachine> {
  await using stack = new AsyncDisposableStack();
  const temporary = stack.use(tempRoot());
  const init = startProgram(["unshare", "--mount", "--", "sh", "-c", script], temporary.at("init"));
  stack.defer(() => init.end("SIGKILL"));
  await until(
    () => {
      if (!init.isRunning) throw new Error(`Cannot make a machine: ${init.output()}`);
      return init.output().includes("ready");
    },
    { what: () => `a machine: ${init.output()}` },
  );
  const inside = ["nsenter", `--mount=/proc/${init.pid}/ns/mnt`, "--"];
  const at = (path: string): string => join(`/proc/${init.pid}/root`, path);
  const run = (argv: readonly string[], options: RunOptions = {}): Promise<Ended> =>
    runProgram([...inside, ...argv], { env: { PATH: systemPath }, ...options });
  let started = 0;
  const owned = stack.move();
  return {
    run,
    write(path, text, mode = 0o644) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
      chmodSync(at(path), mode);
    },
    read: (path) => readFileSync(at(path), "utf8"),
    async must(...argv) {
      const { code, stdout, stderr } = await run(argv);
      if (code !== 0) throw new Error(`"${argv.join(" ")}" ended with ${code}: ${stderr}`);
      return stdout;
    },
    start(...argv) {
      const program = startProgram([...inside, ...argv], temporary.at(`program-${(started += 1)}`));
      owned.defer(() => program.end("SIGTERM"));
      return program;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
