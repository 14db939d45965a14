import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { bad, orWell } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { jailLines } from "./jail-lines.ts";
import type { JailLine } from "./jail-lines.ts";
import { othersMay } from "./owner.ts";
import { ofProcesses } from "./processes.ts";
import type { ProcessText } from "./processes.ts";
import { secretsOf } from "./secrets.ts";

/** A credential as curl gets it, which the stock actions call. */
const inHeader = /(X-Auth-Key:|Authorization: *Bearer) *[^\s'"<]{8}/i;

/** So much of the end of a log is looked through. */
const mostBytes = 16 * 1024 * 1024;

export const leaks: Check = {
  name: "leaks",
  async run(host) {
    const secrets = secretsOf(host);
    const isLeak = (text: string): boolean =>
      inHeader.test(text) || secrets.some((secret) => text.includes(secret));
    const { dump } = await host.fail2ban();
    const commands = [...dump.jails].flatMap(([jail, { actions, commands: of }]) =>
      actions.filter((action) => of(action).some(isLeak)).map((action) => inCommand(jail, action)),
    );
    const logs = [dump.logTarget, `${dump.logTarget}.1`]
      .map((path) => join(host.runtime.root, path))
      .filter((path) => existsSync(path) && isLeak(endOf(path)));
    return orWell(
      [
        ...jailLines(host.directory).flatMap(inJailLine),
        ...commands,
        ...logs.map(inLog),
        ...ofProcesses(host.runtime.root, "cmdline")
          .filter(({ text }) => secrets.some((secret) => text.includes(secret)))
          .map(inProcess),
      ],
      "No credential stands in a jail, a command line or fail2ban's log",
    );
  },
};

function inJailLine({ path, number, text }: JailLine): Finding[] {
  const option = /\b(cftoken|cfapikey)\s*=\s*["']?(?!%\()[^"'\s,\]]/.exec(text)?.[1];
  if (option === undefined) return [];
  const why =
    othersMay(path) === "nothing"
      ? "fail2ban-client prints it, and may put it on command lines"
      : "everybody can read it";
  return [
    bad(
      `"${path}" holds a credential in line ${number}: ${option}`,
      why,
      `fail2ban-cloudflare login; then take ${option} out of the line, and roll the token in Cloudflare's dashboard`,
    ),
  ];
}

function inCommand(jail: string, action: string): Finding {
  return bad(
    `Action "${action}" of jail "${jail}" puts a credential on its command line`,
    "it stands in ps and, when the command fails, in fail2ban's log",
    `use action cloudflare of fail2ban-cloudflare in its place, then: fail2ban-client reload --restart ${jail}`,
  );
}

function inLog(path: string): Finding {
  return bad(
    `A credential stands in "${path}"`,
    "whoever reads logs or their backups has it",
    "roll it in Cloudflare's dashboard, then: fail2ban-cloudflare login",
  );
}

function inProcess({ pid }: ProcessText): Finding {
  return bad(
    `The credential stands on the command line of process ${pid}`,
    "everybody on this machine can read it there",
    `see what it is: ps -p ${pid} -o comm=; then roll the token in Cloudflare's dashboard`,
  );
}

function endOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, mostBytes));
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, size - bytes.length));
  } finally {
    closeSync(file);
  }
}
