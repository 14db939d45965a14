import { readdirSync, readFileSync } from "node:fs";

/** What everybody on the machine can see of a process, and what its owner and root can. */
export interface SeenProcess {
  readonly commandLine: string;
  readonly environment: string;
}

/** Looks at every process, again and again, until it is disposed. */
export interface ProcessWatch extends AsyncDisposable {
  readonly seen: readonly SeenProcess[];
}

/** Shorter than any of ours lives. */
const everyMs = 1;

export function watchProcesses(): ProcessWatch {
  const seen = new Map<string, SeenProcess>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        const commandLine = read(pid, "cmdline");
        const environment = read(pid, "environ");
        if (commandLine !== "")
          seen.set(`${pid}\n${commandLine}\n${environment}`, { commandLine, environment });
      }
      await Bun.sleep(everyMs);
    }
  })();
  return {
    get seen() {
      return [...seen.values()];
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      await watching;
    },
  };
}

function read(pid: string, name: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
