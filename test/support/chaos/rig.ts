import { expect } from "bun:test";
import { takeCourierLock } from "../../../src/journal/lock.ts";
import { binaryPath } from "../binary.ts";
import type { Call, FakeCloudflare } from "../fake-cloudflare.ts";
import { fakeCloudflare } from "../fake-cloudflare.ts";
import { until } from "../wait.ts";
import type { Backend } from "./backend.ts";
import { crashAt } from "./crash.ts";
import type { CrashPoint } from "./crash.ts";
import { chaosHost } from "./host.ts";
import type { ChaosHost } from "./host.ts";
import { untilRest } from "./rest.ts";

/** A host whose couriers are killed at points of a delivery. */
export interface Rig extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  /** Runs hooks and waits until all is delivered; no courier is left. */
  delivered(...lines: readonly string[]): Promise<void>;
  /** Runs a hook, and kills the courier that delivers it at this point of the first call that is so. */
  cutOff(
    line: string,
    at: (call: Pick<Call, "method" | "path">) => boolean,
    point: CrashPoint,
  ): Promise<void>;
  /** In which modes 203.0.113.7 stands at each place. */
  modes(): string[][];
}

/** A rig that blocks at these places. */
export async function rig(backend: Backend, places: readonly string[]): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare({ zones: places.map((name) => ({ name })) }));
  backend.prepare(edge, []);
  const plan = {
    name: "web1",
    graceS: 2,
    ipv6Prefix: 128,
    profiles: new Map([["", places]]),
    targets: [],
  } as const;
  const host = stack.use(chaosHost(edge, { plan, backend, binary: await binaryPath(), budget: 1_000 }));
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
    async cutOff(line, at, point) {
      {
        using _nobodyElse = await onlyCourier(host);
        await hook(line);
      }
      await crashAt(point, {
        edge,
        at,
        journalPath: host.journalPath,
        start: () => void host.deliver(),
        kill: () => host.killCouriers(),
      });
    },
    modes: () =>
      places.map((place) =>
        backend
          .standing(edge)
          .filter((one) => one.place === place && one.network === "203.0.113.7")
          .map(({ mode }) => mode),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The courier's lock; one that was started and had not come so far is killed. */
async function onlyCourier({ journalPath, killCouriers }: ChaosHost): Promise<Disposable> {
  const take = async (): Promise<Disposable | null> => {
    await killCouriers();
    return takeCourierLock(journalPath);
  };
  return until(take, { what: "the courier's lock", deadlineMs: 60_000 });
}
