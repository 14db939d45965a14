import type { Fault } from "../cloudflare/faults.ts";

/** What rounds of chaos came to. */
export interface Figures {
  rounds: number;
  operations: number;
  hooks: number;
  hooksKilled: number;
  couriersKilled: number;
  /** Those of them that were killed at a call, before it was processed or before its answer was sent. */
  couriersCutOff: number;
  calls: number;
  /** Calls that met a fault, by its kind. */
  readonly faults: Partial<Record<Fault["kind"], number>>;
  divergences: number;
}

export function noFigures(): Figures {
  return {
    rounds: 0,
    operations: 0,
    hooks: 0,
    hooksKilled: 0,
    couriersKilled: 0,
    couriersCutOff: 0,
    calls: 0,
    faults: {},
    divergences: 0,
  };
}

export function addFigures(sum: Figures, more: Figures): void {
  for (const key of [
    "rounds",
    "operations",
    "hooks",
    "hooksKilled",
    "couriersKilled",
    "couriersCutOff",
    "calls",
    "divergences",
  ] as const)
    sum[key] += more[key];
  for (const [kind, count] of Object.entries(more.faults) as [Fault["kind"], number][])
    sum.faults[kind] = (sum.faults[kind] ?? 0) + count;
}

export function describeFigures({ faults, ...counts }: Figures): string {
  const met = Object.entries(faults).map(([kind, count]) => `${kind} ${count}`);
  const lines = [
    `rounds ${counts.rounds}, operations ${counts.operations}, calls ${counts.calls}`,
    `hooks ${counts.hooks}, of them killed ${counts.hooksKilled}; couriers killed ${counts.couriersKilled}, of them at a call ${counts.couriersCutOff}`,
    `faults met: ${met.toSorted().join(", ") || "none"}`,
    `divergences ${counts.divergences}`,
  ];
  return lines.join("\n");
}
