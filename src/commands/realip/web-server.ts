import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";

const timeoutMs = 30_000;

/** A web server that reads its configuration only when it is told to. */
export interface WebServer {
  /** The files that it reads, as far as it says, after testing them. Throws a config failure when it refuses them. */
  test(): Promise<string>;
  /** The command that has it use what stands there now. */
  readonly reload: string;
}

interface Kind {
  readonly title: string;
  readonly programs: readonly string[];
  readonly test: readonly string[];
  readonly reload: string;
}

const kinds = {
  nginx: { title: "nginx", programs: ["nginx"], test: ["-T"], reload: "nginx -s reload" },
  apache: {
    title: "Apache",
    programs: ["apache2ctl", "apachectl", "httpd"],
    test: ["-t"],
    reload: "apachectl graceful",
  },
} as const satisfies Record<string, Kind>;

const directories = [
  "/usr/sbin",
  "/usr/local/sbin",
  "/usr/bin",
  "/usr/local/bin",
  "/usr/local/nginx/sbin",
  "/usr/local/openresty/nginx/sbin",
];

/** The web server of this machine; an unavailable failure when there is none. */
export function findWebServer(runtime: Runtime, name: keyof typeof kinds): WebServer {
  const { title, programs, test, reload }: Kind = kinds[name];
  const program = directories
    .flatMap((directory) => programs.map((one) => join(runtime.root, directory, one)))
    .find((path) => existsSync(path));
  if (program === undefined) {
    throw new Failure(
      "unavailable",
      `Cannot find ${title}: there is no ${programs.join(" or ")} in ${directories[0]} and the like`,
      {
        hint: "without --check and --write, realip prints what to put where it runs",
      },
    );
  }
  return {
    reload,
    async test() {
      const { code, stdout, stderr } = await runtime.run([program, ...test], { timeoutMs });
      if (code === 0) return stdout;
      throw new Failure("config", `${title} refuses its configuration: ${reasonOf(stderr, code)}`, {
        hint: `see: ${program} -t`,
      });
    },
  };
}

/** The line that says what is wrong: nginx's first is often only a warning, its last a summary. */
function reasonOf(stderr: string, code: number): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const reason = lines.find((line) => /\[(emerg|alert|crit)\]|syntax error/i.test(line));
  return reason ?? lines.at(-1) ?? `it ended with ${code}`;
}
