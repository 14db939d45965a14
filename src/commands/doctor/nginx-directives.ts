import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";

/** A directive of nginx, wherever it stands. */
export interface Directive {
  readonly name: string;
  readonly values: readonly string[];
}

const timeoutMs = 20_000;

/** The directives of this machine's nginx; null: there is none. Throws a config failure when it refuses them. */
export async function nginxDirectives(runtime: Runtime): Promise<readonly Directive[] | null> {
  const program = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/nginx/sbin"]
    .map((directory) => join(runtime.root, directory, "nginx"))
    .find((path) => existsSync(path));
  if (program === undefined) return null;
  const { code, stdout, stderr } = await runtime.run([program, "-T"], { timeoutMs });
  if (code === 0) return readDirectives(stdout);
  const reason = /\[emerg\] (?:\d+#\d+: )?(.*)/.exec(stderr)?.[1] ?? `it ended with ${code}`;
  throw new Failure("config", `nginx refuses its configuration: ${reason}`, { hint: "nginx -t" });
}

const part =
  /\s+|#[^\n]*|"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|[;{}]|(?:[^\s;{}"'#\\]|\\[^])(?:[^\s;{}\\]|\\[^])*/y;

/** The directives of what `nginx -T` prints, blocks among them, in their order. */
export function readDirectives(text: string): readonly Directive[] {
  const directives: Directive[] = [];
  let words: string[] = [];
  part.lastIndex = 0;
  for (let found = part.exec(text)?.[0]; found !== undefined; found = part.exec(text)?.[0]) {
    if (found === ";" || found === "{" || found === "}") {
      const [name, ...values] = words;
      if (name !== undefined) directives.push({ name, values });
      words = [];
    } else if (found.trim() !== "" && !found.startsWith("#"))
      words.push(found.replace(/^(["'])([^]*)\1$/, "$2"));
  }
  return directives;
}
