import type { Delivery } from "../core/deliver.ts";
import type { Blocklist } from "../core/ports.ts";
import type { Progress } from "./progress.ts";

/** The same delivery, and how far it is shows. */
export function shownDelivery(delivery: Delivery, progress: Progress): Delivery {
  const { journal, profile } = delivery;
  let [steps, made] = [0, 0];
  const expect = async (places: number): Promise<void> => {
    if (steps === 0) steps = places * ((await journal.pendingOf()).get(profile.name) ?? 0);
  };
  const shown = (place: Blocklist, places: number): Blocklist => ({
    ...place,
    async *apply(changes, signal) {
      await expect(places);
      for await (const settled of place.apply(changes, signal)) {
        made += 1;
        // What is tried again counts again.
        progress.step("Delivering", made, Math.max(made, steps));
        yield settled;
      }
    },
    async *entries(options) {
      let seen = 0;
      for await (const entry of place.entries(options)) {
        seen += 1;
        progress.step(`Comparing ${place.label}`, seen);
        yield entry;
      }
    },
  });
  return {
    ...delivery,
    profile: {
      ...profile,
      async open() {
        const opened = await profile.open();
        return { ...opened, places: opened.places.map((place) => shown(place, opened.places.length)) };
      },
    },
  };
}
