import { expect, test } from "bun:test";
import { crashPoints } from "../support/chaos/crash.ts";
import { lists } from "../support/chaos/lists.ts";
import { rig } from "../support/chaos/rig.ts";

type At = (call: { readonly method: string; readonly path: string }) => boolean;

/** What a delivery to a list asks for: a look, an operation, and how that goes. */
const calls = {
  look: ({ method, path }) => method === "GET" && path.endsWith("/items"),
  addition: ({ method, path }) => method === "POST" && path.endsWith("/items"),
  removal: ({ method, path }) => method === "DELETE" && path.endsWith("/items"),
  end: ({ path }) => path.includes("/bulk_operations/"),
} as const satisfies Record<string, At>;

interface Delivery {
  /** What was delivered before. */
  readonly before: readonly string[];
  readonly wish: string;
  readonly calls: readonly (keyof typeof calls)[];
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
      calls: ["look", "addition", "end"],
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
      calls: ["look", "removal", "end"],
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
      calls: ["addition", "removal"],
      wanted: ["block"],
      next: "unban 203.0.113.7 --jail nginx",
      nextWanted: ["challenge"],
    },
  ],
];

/** A profile has one list, so that there are no two places to be cut off between. */
const points = crashPoints.slice(1, -1);

const cases = deliveries.flatMap(([name, delivery]) =>
  delivery.calls.flatMap((call) =>
    points.flatMap((point) => [
      [`${name} cut off ${point} (${call}) arrives`, point, call, delivery, false] as const,
      [
        `${name} cut off ${point} (${call}) and revoked leaves nothing behind`,
        point,
        call,
        delivery,
        true,
      ] as const,
    ]),
  ),
);

test.concurrent.each(cases)("%s", async (_, point, call, delivery, revoked) => {
  const { before, wish, wanted, next, nextWanted } = delivery;
  await using site = await rig(lists, ["example.com"]);
  await site.delivered("ban 203.0.113.99 --jail sshd", ...before);
  await site.cutOff(wish, calls[call], point);
  await site.delivered(...(revoked ? [next] : []));
  expect(site.modes()).toEqual([[...(revoked ? nextWanted : wanted)]]);
});
