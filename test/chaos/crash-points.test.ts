import { expect, test } from "bun:test";
import { accessRules } from "../support/chaos/access-rules.ts";
import { crashPoints } from "../support/chaos/crash.ts";
import { rig } from "../support/chaos/rig.ts";
import { modesAfter, wishes } from "../support/chaos/wishes.ts";

const places = ["example.com", "example.org"];
const method = (wanted: string) => (call: { readonly method: string }) => call.method === wanted;

const deliveries = [
  ["a ban", "POST"],
  ["an unban", "DELETE"],
  ["a change of mode", "PATCH"],
] as const satisfies readonly [keyof typeof wishes, string][];

const cases = deliveries.flatMap(([name, call]) =>
  crashPoints.flatMap((point) => [
    [`${name} cut off ${point} arrives`, point, call, name, false] as const,
    [`${name} cut off ${point} and revoked leaves nothing behind`, point, call, name, true] as const,
  ]),
);

test.each(cases)("%s", async (_, point, call, name, revoked) => {
  const cutOff = { revoked, at: method(call), point };
  const { modes, wanted } = await modesAfter(accessRules, places, wishes[name], cutOff);
  expect(modes).toEqual(wanted);
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
