import { expect, test } from "bun:test";
import { crashPoints } from "../support/chaos/crash.ts";
import type { CrashOptions } from "../support/chaos/crash.ts";
import { lists } from "../support/chaos/lists.ts";
import { modesAfter, wishes } from "../support/chaos/wishes.ts";

/** What a delivery to a list asks for: a look, an operation, and how that goes. */
const calls = {
  look: ({ method, path }) => method === "GET" && path.endsWith("/items"),
  addition: ({ method, path }) => method === "POST" && path.endsWith("/items"),
  removal: ({ method, path }) => method === "DELETE" && path.endsWith("/items"),
  end: ({ path }) => path.includes("/bulk_operations/"),
} as const satisfies Record<string, CrashOptions["at"]>;

const deliveries = [
  ["a ban", ["look", "addition", "end"]],
  ["an unban", ["look", "removal", "end"]],
  ["a change of mode", ["addition", "removal"]],
] as const satisfies readonly [keyof typeof wishes, readonly (keyof typeof calls)[]][];

/** A profile has one list, so that there are no two places to be cut off between. */
const points = crashPoints.slice(1, -1);

const cases = deliveries.flatMap(([name, asked]) =>
  asked.flatMap((call) =>
    points.flatMap((point) => [
      [`${name} cut off ${point} (${call}) arrives`, point, call, name, false] as const,
      [
        `${name} cut off ${point} (${call}) and revoked leaves nothing behind`,
        point,
        call,
        name,
        true,
      ] as const,
    ]),
  ),
);

test.concurrent.each(cases)(
  "%s",
  async (_, point, call, name, revoked) => {
    const cutOff = { revoked, at: calls[call], point };
    const { modes, wanted } = await modesAfter(lists, ["example.com"], wishes[name], cutOff);
    expect(modes).toEqual(wanted);
  },
  300_000,
);
