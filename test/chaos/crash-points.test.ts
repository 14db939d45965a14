import { expect, test } from "bun:test";
import { accessRules } from "../support/chaos/access-rules.ts";
import { crashPoints } from "../support/chaos/crash.ts";
import { rig } from "../support/chaos/rig.ts";

const places = ["example.com", "example.org"];
const method = (wanted: string) => (call: { readonly method: string }) => call.method === wanted;

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
  const { before, wish, wanted, next, nextWanted } = delivery;
  await using site = await rig(accessRules, places);
  await site.delivered("ban 203.0.113.99 --jail sshd", ...before);
  await site.cutOff(wish, method(delivery.method), point);
  await site.delivered(...(revoked ? [next] : []));
  const modes = revoked ? nextWanted : wanted;
  expect(site.modes()).toEqual(places.map(() => [...modes]));
});

test("a block that was made anew after its end, both cut off, goes with the next unban", async () => {
  await using site = await rig(accessRules, places);
  const [ban, unban] = ["ban 203.0.113.7 --jail sshd", "unban 203.0.113.7 --jail sshd"];
  await site.delivered(ban);
  await site.cutOff(unban, method("DELETE"), "after the call, before its answer");
  await site.cutOff(ban, method("POST"), "after the call, before its answer");
  await site.delivered(unban);
  expect(site.modes()).toEqual([[], []]);
});

test("a block that was found gone and made anew in another mode, cut off, goes with its unban", async () => {
  await using site = await rig(accessRules, places);
  const { edge } = site;
  await site.delivered("ban 203.0.113.7 --jail sshd --mode challenge");
  for (const { id } of edge.rules()) edge.remove(id);
  await site.cutOff(
    "ban 203.0.113.7 --jail sshd --mode block",
    method("POST"),
    "after the call, before its answer",
  );
  await site.delivered("unban 203.0.113.7 --jail sshd");
  expect(site.modes()).toEqual([[], []]);
});
