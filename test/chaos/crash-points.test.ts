import { expect, test } from "bun:test";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { binaryPath } from "../support/binary.ts";
import { accessRules } from "../support/chaos/backend.ts";
import { crashAt, crashPoints } from "../support/chaos/crash.ts";
import { chaosHost } from "../support/chaos/host.ts";
import { untilRest } from "../support/chaos/rest.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

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

test.each(cases)("%s", async (_, point, delivery, revoked) => {
  await using edge = fakeCloudflare({ zones: places.map((name) => ({ name })) });
  await using host = chaosHost(edge, {
    plan,
    backend: accessRules,
    binary: await binaryPath(),
    budget: 1_000,
  });
  const hook = async (line: string): Promise<void> => {
    expect(await host.hook(line.split(" "), null)).toMatchObject({ code: 0, stderr: "" });
  };

  for (const line of ["ban 203.0.113.99 --jail sshd", ...delivery.before]) await hook(line);
  await untilRest(host);
  await host.killCouriers();
  {
    using _nobodyElse = takeCourierLock(host.journalPath);
    await hook(delivery.wish);
  }
  await crashAt(point, {
    edge,
    at: ({ method }) => method === delivery.method,
    journalPath: host.journalPath,
    start: () => void host.deliver(),
    kill: () => host.killCouriers(),
  });
  if (revoked) await hook(delivery.next);
  void host.deliver();
  await untilRest(host);

  const modes = (revoked ? delivery.nextWanted : delivery.wanted).map((mode) => `203.0.113.7 ${mode}`);
  const standing = accessRules.standing(edge);
  for (const place of places) {
    const there = standing
      .filter((one) => one.place === place)
      .map(({ network, mode }) => `${network} ${mode}`);
    expect(there.toSorted()).toEqual([...modes, "203.0.113.99 block"].toSorted());
  }
});
