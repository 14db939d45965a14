import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { quoted } from "../../core/text.ts";
import { Failure } from "../../errors.ts";
import { standing } from "../../fail2ban/seal.ts";
import type { Runtime } from "../../runtime.ts";
import { carryOut, show, tell } from "../install/carry-out.ts";
import { lookingAtFiles } from "../install/file-failure.ts";
import { placeFile } from "../install/steps.ts";
import type { WebServer } from "./web-server.ts";

export interface WriteOptions {
  readonly file: string;
  readonly force: boolean;
  /** Whether what the server says of its configuration shows that it reads the file. */
  readonly includes: (said: string, path: string) => boolean;
}

/** Writes the text where the server reads it; when the server refuses it, or does not read it, nothing has changed. */
export async function writeSnippet(
  runtime: Runtime,
  server: WebServer,
  text: string,
  { file, force, includes }: WriteOptions,
): Promise<void> {
  if (!file.startsWith("/")) {
    throw new Failure("usage", `Cannot write ${quoted(file)}: not an absolute path`, {
      hint: "begin it with /",
    });
  }
  const path = join(runtime.root, file);
  if (!existsSync(dirname(path))) {
    throw new Failure("usage", `Cannot write "${path}": there is no such directory`, {
      hint: "for nginx usually: --write /etc/nginx/conf.d/cloudflare-realip.conf",
    });
  }
  const step = lookingAtFiles(() => {
    const found = standing(path);
    const isOthers = found.kind === "foreign" || (found.kind === "ours" && found.edited);
    if (isOthers && !force) {
      const state = found.kind === "foreign" ? "this program did not write it" : "it was edited";
      throw new Failure("config", `Cannot replace "${path}": ${state}`, {
        hint: "--force keeps it as .bak and replaces it",
      });
    }
    return placeFile(path, text, { force });
  });
  if (step.sign === "=") {
    show(runtime, [step]);
    return;
  }
  // What is broken already is not to be blamed on us.
  await server.test();
  tell(runtime, [step]);
  const activation = {
    async begin() {
      if (includes(await server.test(), path)) return;
      throw new Failure("config", `Cannot use "${path}": nginx does not read it`, {
        hint: `choose a file that nginx.conf includes, or add: include ${path};`,
      });
    },
    undo: async () => {},
    afterRollBack: async () => {},
  };
  await carryOut(runtime, { before: [step], after: [] }, activation);
  show(runtime, [step]);
  runtime.talk(`written; next: ${server.reload}`);
}
