import type { Verdict } from "../../core/adopt.ts";
import { stepsAt } from "../../core/plan.ts";
import type { Site, Wanted } from "../../core/journal.ts";
import type { Leftover } from "../../core/ports.ts";
import type { HoldDifference } from "../../core/recover.ts";
import type { SyncedPlace } from "../../core/sync.ts";
import { oneLine, timestamp } from "../../core/text.ts";

// `+` is to be added, `-` to be taken away, `~` to be changed; `=` is left as it is; `!` is for somebody else to mend.

/** What is to be done to the journal, so that it holds what fail2ban bans. */
export function holdLines({ missing, moved, over }: HoldDifference): readonly string[] {
  const lines = [
    ...missing.map(
      ({ address, jail }) => `+ ${address.text} in the journal: banned by ${oneLine(jail)}, not held`,
    ),
    ...over.map(
      ({ address, jail }) => `- ${address.text} in the journal: held for ${oneLine(jail)}, banned no more`,
    ),
    ...moved.map(({ address, jail, untilAt }) => {
      const end = untilAt === null ? "for ever" : `until ${timestamp(untilAt)}`;
      return `~ ${address.text} in the journal: banned by ${oneLine(jail)} ${end}, held to another end`;
    }),
  ];
  return lines.length === 0 ? ["= journal: nothing differs from fail2ban"] : lines;
}

export interface ComparedPlace extends SyncedPlace, Pick<Site, "profiles"> {}

export interface PlaceContext {
  readonly wanted: readonly Wanted[];
  /** What was found of fail2ban's own actions, when it was looked for, and whether stale ones of it stay. */
  readonly verdict?: Verdict;
  readonly stale: "keep" | "remove";
}

/** What is to be done at a place, so that it blocks what is wanted. */
export function placeLines(compared: ComparedPlace, context: PlaceContext): readonly string[] {
  const { label } = compared;
  const lines = [
    ...stepLines(compared, context),
    ...(context.verdict === undefined ? [] : verdictLines(label, context.verdict, context.stale)),
    ...compared.troubles.map((trouble) => `! ${trouble}`),
  ];
  return lines.length === 0 ? [`= ${label}: nothing differs`] : lines;
}

function stepLines(
  { place, mode, label, profiles, entries, changed }: ComparedPlace,
  { wanted, verdict }: PlaceContext,
): readonly string[] {
  const left = verdict?.live.map((leftover) => ({ ...leftover, owned: false })) ?? [];
  const there = new Map([...entries, ...left].map((entry) => [entry.network, entry]));
  const steps = stepsAt({ place, mode, profiles }, wanted, [...there.values()]);
  const stepped = new Set(steps.map(({ network }) => network.text));
  return [
    ...steps.map((step) => {
      const { text } = step.network;
      const entry = there.get(text);
      if (step.kind === "add") return `+ ${text} at ${label}: held for ${oneLine(step.jail)}, not there`;
      if (step.kind === "remove") return `- ${text} at ${label}: ours (${entry?.jail ?? ""}), held by nobody`;
      return `~ ${text} at ${label}: ${entry?.mode ?? "an unknown mode"} there, ${step.mode} wanted`;
    }),
    ...changed
      .filter((network) => !stepped.has(network))
      .map((network) => `~ ${network} at ${label}: another rule than the journal knows`),
  ];
}

function verdictLines(
  label: string,
  { live, replaced, stale, others }: Verdict,
  staleOnes: PlaceContext["stale"],
): readonly string[] {
  const by = ({ network, jail }: Leftover): string =>
    `${network} at ${label}: left by the stock action (${oneLine(jail)})`;
  const sign = staleOnes === "keep" ? "=" : "-";
  return [
    ...live.map((leftover) => `~ ${by(leftover)}, to be ours`),
    ...replaced.map((leftover) => `- ${by(leftover)}, replaced by what is held for it`),
    ...stale.map((leftover) => `${sign} ${by(leftover)}, stale: fail2ban does not ban it`),
    ...others.map((leftover) => `= ${by(leftover)}, whose jail is not ours`),
  ];
}
