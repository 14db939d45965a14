import type { Call } from "../fake-cloudflare.ts";
import type { ChaosHost } from "./host.ts";
import type { World } from "./world.ts";

/** fetch sends it again at once; the machine may be slow. */
const repeatedWithinMs = 1_000;

/** Every call is booked before it is made. Journals tell of the last five minutes; GET /ips takes no credential, and no budget. */
export async function judgeBooking({ edge, hosts, diverge }: World): Promise<void> {
  // A fleet's hosts tell of the same journal.
  const tellers = hosts.filter(({ plan }, index) => plan.fleet === undefined || index === 0);
  const booked = (await Promise.all(tellers.map(bookedBy))).reduce((sum, calls) => sum + calls, 0);
  const since = Date.now() - 290_000;
  const made = edge.calls.filter(({ at, authorization }) => at > since && authorization !== "none");
  const repeats = silentRepeats(made);
  if (booked < made.length - repeats)
    diverge(`${made.length} calls were made, ${repeats} of them again, and only ${booked} booked`);
}

/** No call was beyond the budget. */
export function judgeBudget({ scenario, edge, diverge }: World): void {
  const beyond = edge.overLimit - silentRepeats(edge.calls);
  if (beyond > 0) diverge(`${beyond} calls beyond the budget of ${scenario.budget}`);
}

async function bookedBy(host: ChaosHost): Promise<number> {
  const { budget } = JSON.parse((await host.run("status", "--json")).stdout) as {
    budget?: { used?: unknown };
  };
  if (typeof budget?.used === "number") return budget.used;
  throw new Error(`"status --json" names no calls: ${JSON.stringify(budget)}`);
}

/**
 * How many calls Bun's fetch has made again without a word: a GET or DELETE whose kept connection broke before its answer
 * came. No caller can know of it, so that it is not booked.
 */
function silentRepeats(calls: readonly Call[]): number {
  const broken: Call[] = [];
  return calls.filter((call) => {
    if (call.method !== "GET" && call.method !== "DELETE") return false;
    const first = broken.findIndex((before) => isSame(before, call));
    if (first >= 0) broken.splice(first, 1);
    else if (call.status === null) broken.push(call);
    return first >= 0;
  }).length;
}

function isSame(before: Call, call: Call): boolean {
  return (
    before.method === call.method &&
    before.path === call.path &&
    call.at - before.at <= repeatedWithinMs &&
    Bun.deepEquals([before.query, before.body], [call.query, call.body])
  );
}
