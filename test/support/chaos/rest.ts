import { until } from "../wait.ts";
import type { ChaosHost } from "./host.ts";

interface Status {
  readonly pending: number;
  readonly pauses: readonly { readonly kind: string }[];
}

interface List {
  readonly holds: readonly {
    readonly address: string;
    readonly untilAt: number | null;
    readonly releaseAt: number | null;
  }[];
}

/** What ends so soon is waited for. */
const soonMs = 180_000;

/** What a host still has to do; null: nothing. Where Cloudflare has rejected the credential it asks for another try, as a person would. */
export async function restless(host: ChaosHost): Promise<string | null> {
  // Holds first: one that goes leaves something pending, never the other way round.
  const { holds } = JSON.parse((await host.run("list", "--json")).stdout) as List;
  const status = JSON.parse((await host.run("status", "--json")).stdout) as Status;
  if (status.pauses.some(({ kind }) => kind === "rejected")) {
    await host.killCouriers();
    await host.run("deliver", "--once");
  }
  const leaving = holds.filter(
    ({ untilAt, releaseAt }) => releaseAt !== null || (untilAt !== null && untilAt < Date.now() + soonMs),
  );
  const { name } = host.plan;
  if (leaving.length > 0)
    return `${name} is to let go of ${leaving.map(({ address }) => address).join(", ")}`;
  if (status.pending === 0) return null;
  const said = (await host.run("status")).stdout.replaceAll("\n", " | ");
  return `${name} has ${status.pending} pending: ${said}`;
}

/** Waits until a host has nothing more to do. */
export async function untilRest(host: ChaosHost): Promise<void> {
  await until(async () => (await restless(host)) === null, { deadlineMs: 120_000, what: () => host.log() });
}
