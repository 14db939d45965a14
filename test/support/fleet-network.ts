import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { mustRun, startProgram } from "./program.ts";
import { relay } from "./relay.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** Where the fleet's database listens, as its hosts see it. */
export const databaseAddress = "192.0.2.1";

/** A host with a network namespace of its own: a wire to the database, and another way to the edge. */
export interface Place {
  /** Put before a command line to run it there. */
  readonly inside: readonly string[];
  /** The fake Cloudflare's API, as it is reached there. */
  readonly apiBase: string;
  /** The wire to the database loses everything, and nobody is told. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export interface FleetNetwork extends AsyncDisposable {
  readonly places: readonly Place[];
}

const edgePort = 8_080;

/** A namespace for each of so many hosts, around the test's own. One at a time. */
export async function fleetNetwork(count: number, edge: { readonly url: string }): Promise<FleetNetwork> {
  await using stack = new AsyncDisposableStack();
  const temporary = stack.use(tempRoot());
  const socket = temporary.at("edge.sock");
  const url = new URL(edge.url);
  stack.use(await relay({ path: socket }, { host: "127.0.0.1", port: Number(url.port) }));
  const ip = (...words: readonly string[]) => mustRun(["ip", ...words]);
  await ip("link", "set", "lo", "up");
  await ip("link", "add", "fleet", "type", "bridge");
  stack.defer(async () => void (await ip("link", "delete", "fleet")));
  await ip("address", "add", `${databaseAddress}/24`, "dev", "fleet");
  await ip("link", "set", "fleet", "up");

  const own = readlinkSync("/proc/self/ns/net");
  const places: Place[] = [];
  for (let number = 1; number <= count; number += 1) {
    const output = temporary.at(`output-${number}`);
    const keeper = startProgram(["unshare", "--net", "sleep", "infinity"], output);
    const [here, there] = [`to-host${number}`, "to-fleet"];
    stack.defer(() => keeper.end("SIGKILL"));
    await until(() => keeper.isRunning && readlinkSync(`/proc/${keeper.pid}/ns/net`) !== own, {
      what: () => `a network namespace: ${keeper.output()}`,
    });
    const inside = ["/usr/bin/nsenter", `--net=/proc/${keeper.pid}/ns/net`];
    await ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", String(keeper.pid));
    // By name, not with its namespace: a connection that was cut may keep that for a while.
    stack.defer(async () => void (await ip("link", "delete", here)));
    await ip("link", "set", here, "master", "fleet", "up");
    await mustRun([...inside, "ip", "link", "set", "lo", "up"]);
    await mustRun([...inside, "ip", "address", "add", `192.0.2.${10 + number}/24`, "dev", there]);
    await mustRun([...inside, "ip", "link", "set", there, "up"]);
    const words = [process.execPath, join(import.meta.dir, "relay.ts"), String(edgePort), socket];
    const way = startProgram([...inside, ...words], output);
    stack.defer(() => way.end("SIGTERM"));
    await until(() => way.output().includes("ready"), { what: () => `a way to the edge: ${way.output()}` });
    places.push({
      inside,
      apiBase: `http://127.0.0.1:${edgePort}${url.pathname}`,
      cut: async () => void (await ip("link", "set", here, "nomaster")),
      mend: async () => void (await ip("link", "set", here, "master", "fleet")),
    });
  }
  const owned = stack.move();
  return { places, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
