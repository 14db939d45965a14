import { expect, test } from "bun:test";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { binaryPath } from "../support/binary.ts";
import { accessRules } from "../support/chaos/access-rules.ts";
import { crashAt, crashPoints } from "../support/chaos/crash.ts";
import type { CrashPoint } from "../support/chaos/crash.ts";
import { chaosHost } from "../support/chaos/host.ts";
import { untilRest } from "../support/chaos/rest.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";

const places = ["example.com", "example.org"];
const plan = {
  name: "web1",
  graceS: 2,
  ipv6Prefix: 128,
  profiles: new Map([["", places]]),
  targets: [],
} as const;

interface Delivery {
  /** What was delivered before. */
  readonly before: readonly string[];
  readonly wish: string;
  readonly method: "POST" | "PATCH" | "DELETE";
  /** The modes in which 203.0.113.7 stands at the edge in the end. */
  readonly wanted: readonly string[];
  /** What is wished after the crash, before the next courier comes, and what then stands at the edge. */
  readonly next: string;
  readonly nextWanted: readonly string[];
}

const deliveries: readonly [name: string, delivery: Delivery][] = [
  [
    "a ban",
    {
      before: [],
      wish: "ban 203.0.113.7 --jail sshd",
      method: "POST",
      wanted: ["block"],
      next: "unban 203.0.113.7 --jail sshd",
      nextWanted: [],
    },
  ],
  [
    "an unban",
    {
      before: ["ban 203.0.113.7 --jail sshd"],
      wish: "unban 203.0.113.7 --jail sshd",
      method: "DELETE",
      wanted: [],
      next: "ban 203.0.113.7 --jail sshd",
      nextWanted: ["block"],
    },
  ],
  [
    "a change of mode",
    {
      before: ["ban 203.0.113.7 --jail sshd --mode challenge"],
      wish: "ban 203.0.113.7 --jail nginx --mode block",
      method: "PATCH",
      wanted: ["block"],
      next: "unban 203.0.113.7 --jail nginx",
      nextWanted: ["challenge"],
    },
  ],
];

const cases = deliveries.flatMap(([name, delivery]) =>
  crashPoints.flatMap((point) => [
    [`${name} cut off ${point} arrives`, point, delivery, false] as const,
    [`${name} cut off ${point} and revoked leaves nothing behind`, point, delivery, true] as const,
  ]),
);

interface Rig extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  /** Runs hooks and waits until all is delivered; no courier is left. */
  delivered(...lines: readonly string[]): Promise<void>;
  /** Runs a hook, and kills the courier that delivers it at this point of its calls of a method. */
  cutOff(line: string, method: Delivery["method"], point: CrashPoint): Promise<void>;
  /** In which modes 203.0.113.7 stands at each place. */
  modes(): string[][];
}

async function rig(): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare({ zones: places.map((name) => ({ name })) }));
  const binary = await binaryPath();
  const host = stack.use(chaosHost(edge, { plan, backend: accessRules, binary, budget: 1_000 }));
  const hook = async (line: string): Promise<void> => {
    expect(await host.hook(line.split(" "), null)).toMatchObject({ code: 0, stderr: "" });
  };
  const owned = stack.move();
  return {
    edge,
    async delivered(...lines) {
      for (const line of lines) await hook(line);
      void host.deliver();
      await untilRest(host);
      await host.killCouriers();
    },
    async cutOff(line, method, point) {
      {
        using _nobodyElse = takeCourierLock(host.journalPath);
        await hook(line);
      }
      await crashAt(point, {
        edge,
        at: (call) => call.method === method,
        journalPath: host.journalPath,
        start: () => void host.deliver(),
        kill: () => host.killCouriers(),
      });
    },
    modes: () =>
      places.map((place) =>
        accessRules
          .standing(edge)
          .filter((one) => one.place === place && one.network === "203.0.113.7")
          .map(({ mode }) => mode),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test.each(cases)("%s", async (_, point, { before, wish, method, wanted, next, nextWanted }, revoked) => {
  await using site = await rig();
  await site.delivered("ban 203.0.113.99 --jail sshd", ...before);
  await site.cutOff(wish, method, point);
  await site.delivered(...(revoked ? [next] : []));
  const modes = revoked ? nextWanted : wanted;
  expect(site.modes()).toEqual(places.map(() => [...modes]));
});

test("a block that was made anew after its end, both cut off, goes with the next unban", async () => {
  await using site = await rig();
  const [ban, unban] = ["ban 203.0.113.7 --jail sshd", "unban 203.0.113.7 --jail sshd"];
  await site.delivered(ban);
  await site.cutOff(unban, "DELETE", "after the call, before its answer");
  await site.cutOff(ban, "POST", "after the call, before its answer");
  await site.delivered(unban);
  expect(site.modes()).toEqual([[], []]);
});

test("a block that was found gone and made anew in another mode, cut off, goes with its unban", async () => {
  await using site = await rig();
  const { edge } = site;
  await site.delivered("ban 203.0.113.7 --jail sshd --mode challenge");
  for (const { id } of edge.rules()) edge.remove(id);
  await site.cutOff("ban 203.0.113.7 --jail sshd --mode block", "POST", "after the call, before its answer");
  await site.delivered("unban 203.0.113.7 --jail sshd");
  expect(site.modes()).toEqual([[], []]);
});
