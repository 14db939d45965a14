import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ActionOptions {
  readonly cfuser: string;
  readonly cftoken: string;
  /** The file that has the last word on cftoken. */
  readonly path: string;
}

/** cfuser and cftoken of [Init] in action.d/cloudflare.conf, overridden by cloudflare.local; "" where not set. */
export function actionOptions(fail2ban: string): ActionOptions {
  const files = actionFiles(fail2ban);
  let options: ActionOptions = { cfuser: "", cftoken: "", path: files[0] ?? "" };
  for (const path of files) {
    if (!existsSync(path)) continue;
    const init = readInit(readFileSync(path, "utf8"));
    options = {
      cfuser: init.get("cfuser") ?? options.cfuser,
      cftoken: init.get("cftoken") ?? options.cftoken,
      path: init.has("cftoken") ? path : options.path,
    };
  }
  return options;
}

/** The files that make up the action, the later overriding the earlier. */
export function actionFiles(fail2ban: string): readonly string[] {
  return ["cloudflare.conf", "cloudflare.local"].map((name) => join(fail2ban, "action.d", name));
}

/** The one-line options of [Init], as Python's configparser reads them: "%%" is "%", " ;" begins a comment. */
function readInit(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section;
    const option = /^(\w+)\s*[=:]\s*(.*)$/.exec(line);
    if (section !== "Init" || option?.[1] === undefined) continue;
    const value = (option[2] ?? "")
      .replace(/\s;.*$/, "")
      .trim()
      .replaceAll("%%", "%");
    options.set(option[1].toLowerCase(), value);
  }
  return options;
}
