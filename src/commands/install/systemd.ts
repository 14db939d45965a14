import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";

const timeoutMs = 60_000;
const watchers = ["fail2ban-cloudflare.path", "fail2ban-cloudflare.timer"];
const courier = "fail2ban-cloudflare.service";

/** Reads the unit files and has systemd watch; a courier at work is started anew with what is there now. */
export async function enableUnits(runtime: Runtime): Promise<void> {
  await systemctl(runtime, "daemon-reload");
  await systemctl(runtime, "enable", "--now", ...watchers);
  await systemctl(runtime, "try-restart", courier);
}

/** While the unit files are still there: they say what "disable" has to undo. */
export async function disableUnits(runtime: Runtime): Promise<void> {
  await systemctl(runtime, "disable", "--now", ...watchers);
  await systemctl(runtime, "stop", courier);
}

export async function reloadUnits(runtime: Runtime): Promise<void> {
  await systemctl(runtime, "daemon-reload");
}

async function systemctl(runtime: Runtime, ...args: readonly string[]): Promise<void> {
  const program = ["/usr/bin", "/bin"]
    .map((bin) => join(runtime.root, bin, "systemctl"))
    .find((path) => existsSync(path));
  if (program === undefined)
    throw new Failure("unavailable", "Cannot find systemctl, though systemd runs", {
      hint: "it belongs into /usr/bin or /bin",
    });
  const { code, stderr } = await runtime.run([program, ...args], { timeoutMs });
  if (code === 0) return;
  const reason = stderr.trim().split("\n").at(-1) || `it ended with ${code}`;
  throw new Failure("unavailable", `Cannot run systemctl ${args.join(" ")}: ${reason}`, {
    hint: "systemctl status fail2ban-cloudflare.path",
  });
}
