import { existsSync } from "node:fs";
import { join } from "node:path";
import { bad, orWell } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { jailLines } from "./jail-lines.ts";
import type { JailLine } from "./jail-lines.ts";

/** What stands in the jail files and is passed over without a word by fail2ban. */
export const jailFiles: Check = {
  name: "jail files",
  run({ directory }) {
    const lines = jailLines(directory);
    return orWell(
      [...lines.flatMap(plural), ...lines.flatMap((line) => stray(line, directory))],
      `Every line of "${directory}/jail.*" is one that fail2ban reads`,
    );
  },
};

function plural({ path, number, text }: JailLine): Finding[] {
  if (!/^actions\s*[=:]/.test(text)) return [];
  return [
    bad(
      `"${path}" says "actions" in line ${number}`,
      'fail2ban knows "action" alone and passes over this',
      `write "action" there, then: fail2ban-client reload --restart JAIL`,
    ),
  ];
}

/** An action at the beginning of a line is a setting of that name for fail2ban, not one more action. */
function stray({ path, number, jail, text }: JailLine, directory: string): Finding[] {
  const name = /^([\w-]+)(\[.*)?\s*$/.exec(text)?.[1] ?? "";
  const isAction = [".conf", ".local"].some((ending) =>
    existsSync(join(directory, "action.d", `${name}${ending}`)),
  );
  if (jail === "" || !isAction) return [];
  return [
    bad(
      `"${path}" has action "${name}" in line ${number} without a space before it`,
      "so it is none of the actions of the line above",
      `indent it, then: fail2ban-client reload --restart ${jail}`,
    ),
  ];
}
