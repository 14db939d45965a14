import type { Fail2ban } from "../../test/support/fail2ban.ts";
import { runProgram, systemPath } from "../../test/support/program.ts";

/** fail2ban waits for the stock actions, call after call: some take minutes. */
const patientMs = 900_000;

/** So many addresses, different for each `block`. */
export function addresses(count: number, block: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `2001:db8:${block.toString(16)}::${(index + 1).toString(16)}`,
  );
}

/** Milliseconds that a command of fail2ban-client takes, however long. */
export async function clientMs(fail2ban: Fail2ban, ...args: readonly string[]): Promise<number> {
  const { code, stderr, ms } = await runProgram(["fail2ban-client", "-c", fail2ban.directory, ...args], {
    env: { PATH: systemPath },
    deadlineMs: patientMs,
  });
  if (code !== 0) throw new Error(`fail2ban-client ${args.join(" ")}: ${stderr}`);
  return ms;
}

/** Milliseconds since 1970 at which fail2ban decided to ban, by its log. */
export function decidedAt(fail2ban: Fail2ban, jail: string, address: string): number {
  const pattern = new RegExp(`^(\\S+) (\\S+),(\\d+) .*\\[${jail}\\] Ban ${address}$`, "m");
  const [, day, clock, thousandths] = pattern.exec(fail2ban.log()) ?? [];
  if (day === undefined) throw new Error(`fail2ban did not ban ${address}: ${fail2ban.log()}`);
  return new Date(`${day}T${clock}.${thousandths}`).getTime();
}
