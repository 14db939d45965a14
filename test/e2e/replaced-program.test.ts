import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, readlinkSync, renameSync } from "node:fs";
import { binaryPath, endCouriers } from "../support/binary.ts";
import { writeConfiguration } from "../support/configuration.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { mustRun, processesOf } from "../support/program.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

test("a courier whose program is replaced in an outage hands over to the new one, and nothing is lost", async () => {
  await using edge = fakeCloudflare();
  using root = tempRoot();
  const program = root.at("fail2ban-cloudflare");
  const place = async (): Promise<void> => {
    copyFileSync(await binaryPath(), `${program}.new`);
    chmodSync(`${program}.new`, 0o755);
    renameSync(`${program}.new`, program);
  };
  const config = writeConfiguration(root, edge);
  const couriers = () => processesOf("--config", config, "deliver");

  await place();
  edge.fail({ kind: "status", status: 503 }, { times: Infinity });
  await mustRun([program, "--config", config, "ban", "203.0.113.7", "--jail", "test"], { env: {} });
  const [old] = await until(() => edge.calls.length > 0 && couriers(), {
    what: "a courier at work",
    deadlineMs: 30_000,
  });
  await place();
  // A child that the old one has just forked has its command line for a moment, and its program.
  await until(() => couriers().some((pid) => pid !== old && programOf(pid) === program), {
    what: "a courier of the new program",
    deadlineMs: 30_000,
  });
  await until(() => !couriers().includes(old ?? 0), { what: "the end of the old one", deadlineMs: 30_000 });
  edge.heal();
  await until(() => edge.blocked().includes("203.0.113.7"), { what: "the ban", deadlineMs: 30_000 });
  expect(edge.rules()).toHaveLength(1);
  await endCouriers(config);
}, 120_000);

/** What a process runs; null when it has ended. */
function programOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}
