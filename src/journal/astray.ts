/** How a database writes what is given: a profile, a place, its mode (of type text), and "is one of the profiles there". */
interface Given {
  readonly profile: string;
  readonly place: string;
  readonly mode: string;
  readonly isOneOfThere: string;
}

/** The query of `DeliveryLedger.astray`, which asks both journals for more than is astray where jails differ in mode. */
export function astrayQuery({ profile, place, mode, isOneOfThere }: Given): string {
  const isWanted = `h.profile ${isOneOfThere} AND NOT EXISTS (
    SELECT 1 FROM outside o WHERE o.profile = h.profile AND o.network = h.network)`;
  return `
    SELECT network FROM (
      SELECT h.network FROM holds h LEFT JOIN edge e ON e.network = h.network AND e.place = ${place}
      WHERE ${isWanted} AND CASE
        WHEN e.network IS NULL THEN ${mode} IS NULL OR h.mode = ${mode}
        ELSE e.owned AND e.mode IS DISTINCT FROM h.mode END
      UNION
      SELECT e.network FROM edge e WHERE e.place = ${place} AND e.owned
        AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.network = e.network AND ${isWanted})) n
    WHERE NOT EXISTS (SELECT 1 FROM pending p WHERE p.profile = ${profile} AND p.network = n.network)`;
}
