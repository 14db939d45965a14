import { parseAddress } from "../../core/address.ts";
import type { DeliveryLedger, Known, Want, Wanted } from "../../core/journal.ts";
import { astrayQuery } from "../astray.ts";
import { edgeRow, furthestRetryMs } from "../deliveries.ts";
import type { PendingRow, StoredEdge } from "../deliveries.ts";
import { markPending, pendingFrom } from "./pending.ts";
import type { Mark } from "./pending.ts";
import { lockForWriting } from "./schema.ts";
import type { Session } from "./session.ts";

interface StandingRow {
  readonly wants: readonly Want[];
  readonly rows: readonly StoredEdge[];
}

/** What of the courier's side is the hosts' to say: `hostLedger`. */
type OfHosts = "nextEndAt" | "sweep" | "hasten";

const isOutside = "EXISTS (SELECT 1 FROM outside o WHERE o.profile = h.profile AND o.network = h.network)";
const astray = astrayQuery({
  profile: "$1",
  place: "$2",
  mode: "$3::text",
  isOneOfThere: "= ANY($4::text[])",
});
const waits =
  "EXISTS (SELECT 1 FROM outside o WHERE o.profile = p.profile AND o.network = p.network AND o.waiting)";

/** How a network stands that a row of `table` names. */
const standingOf = (table: string): string =>
  `(SELECT coalesce(jsonb_agg(jsonb_build_object('profile', h.profile, 'jail', h.jail, 'mode', h.mode,
      'outside', ${isOutside}) ORDER BY h.held_at, h.host, h.jail), '[]')
    FROM holds h WHERE h.network = ${table}.network) AS wants,
   (SELECT coalesce(jsonb_agg(jsonb_build_object('place', e.place, 'network', e.network, 'id', e.id,
      'mode', e.mode, 'owned', e.owned::int)), '[]') FROM edge e WHERE e.network = ${table}.network) AS rows`;

/** The courier's side of the journal. */
export function deliveryLedger({ run, atomically }: Session): Omit<DeliveryLedger, OfHosts> {
  return {
    async due(profile, now, limit) {
      // Two queries: one order would have all of them sorted for each round.
      const rows = (
        which: string,
        order: string,
        most: number,
      ): Promise<readonly (PendingRow & StandingRow)[]> =>
        run(
          `SELECT generation::float8 AS generation, profile, network, attempts, since_at::float8 AS since_at,
             ${standingOf("p")}
           FROM pending p
           WHERE profile = $1 AND NOT parked AND ${which}
             AND (retry_at <= $2 OR retry_at > $2::bigint + ${furthestRetryMs}) AND NOT ${waits}
           ORDER BY ${order} LIMIT $3`,
          [profile, now, Number.isFinite(most) ? most : null],
        );
      const untried = await rows("attempts = 0", "ban DESC, p.generation", limit);
      const tried = await rows("attempts > 0", "attempts, ban DESC, p.generation", limit - untried.length);
      return [...untried, ...tried].map(
        ({ generation, profile, network, attempts, since_at, wants, rows: edge }) => ({
          pending: { generation, profile, network: parseAddress(network), attempts, sinceAt: since_at },
          wants,
          rows: edge.map(edgeRow),
        }),
      );
    },
    async standing(networks) {
      const rows = await run<StandingRow>(
        `SELECT ${standingOf("n")} FROM unnest($1::text[]) WITH ORDINALITY AS n (network, turn) ORDER BY n.turn`,
        [networks],
      );
      return rows.map(({ wants, rows: edge }) => ({ wants, rows: edge.map(edgeRow) }));
    },
    async begin(place, profile, networks) {
      await run(
        `INSERT INTO edge (place, network, profile, owned)
         SELECT DISTINCT $1, network, $2, true FROM unnest($3::text[]) AS network
         ON CONFLICT (network, place) DO UPDATE SET id = NULL, mode = NULL, owned = true`,
        [place, profile, networks],
      );
    },
    async record(place, profile, known) {
      if (known.length === 0) return;
      await run(
        `WITH known AS (SELECT * FROM jsonb_to_recordset($3::jsonb)
           AS k(network text, id text, mode text, owned boolean, there boolean)),
         gone AS (DELETE FROM edge USING known k WHERE edge.place = $1 AND edge.network = k.network AND NOT k.there)
         INSERT INTO edge (place, network, profile, id, mode, owned)
         SELECT $1, network, $2, id, mode, owned FROM known WHERE there
         ON CONFLICT (network, place) DO UPDATE SET
           profile = excluded.profile, id = excluded.id, mode = excluded.mode, owned = excluded.owned`,
        [place, profile, lastOfEach(known)],
      );
    },
    async settle(generations) {
      await run("DELETE FROM pending WHERE generation = ANY($1::bigint[])", [generations]);
    },
    async retry(generations, retryAt, reason) {
      await run(
        `UPDATE pending SET attempts = attempts + 1, retry_at = $2, reason = $3 WHERE generation = ANY($1::bigint[])`,
        [generations, retryAt, reason],
      );
    },
    async postpone(generations, retryAt, reason) {
      await run("UPDATE pending SET retry_at = $2, reason = $3 WHERE generation = ANY($1::bigint[])", [
        generations,
        retryAt,
        reason,
      ]);
    },
    async park(generation, reason) {
      await run("UPDATE pending SET parked = true, reason = $2 WHERE generation = $1", [generation, reason]);
    },
    async hurry(profile) {
      await run("UPDATE pending SET retry_at = 0 WHERE profile = $1 AND retry_at > 0", [profile]);
    },
    async recheck(profile, networks, now) {
      const named = networks === "all" ? [] : networks;
      await run(
        pendingFrom(
          `(SELECT $1::text AS profile, network, false AS ban FROM (
              SELECT unnest($2::text[]) AS network
              UNION SELECT network FROM holds WHERE $3 AND profile = $1
              UNION SELECT network FROM pending WHERE $3 AND profile = $1) n) m`,
          "$4",
        ),
        [profile, named, networks === "all", now],
      );
    },
    async placesOf(profile) {
      const rows = await run<{ place: string }>("SELECT DISTINCT place FROM edge WHERE profile = $1", [
        profile,
      ]);
      return rows.map(({ place }) => place);
    },
    placesBeside: (profiles) =>
      run("SELECT DISTINCT profile, place FROM edge WHERE profile <> ALL($1::text[])", [profiles]),
    wanted: () =>
      run<Wanted>(
        `SELECT profile, jail, host, mode, address, network, ${isOutside} AS outside
         FROM holds h ORDER BY held_at, host, jail, network`,
      ),
    async astray(profile, { place, mode, profiles }) {
      const rows = await run<{ network: string }>(astray, [profile, place, mode, [...profiles]]);
      return rows.map(({ network }) => network);
    },
    async known(place) {
      const rows = await run<StoredEdge>(
        "SELECT place, network, id, mode, owned::int AS owned FROM edge WHERE place = $1",
        [place],
      );
      return rows.map(edgeRow);
    },
    async nextTryAt(profile, now) {
      const end = (direction: "ASC" | "DESC"): string =>
        `(SELECT retry_at::float8 FROM pending p WHERE profile = $1 AND NOT parked AND NOT ${waits}
          ORDER BY retry_at ${direction} LIMIT 1)`;
      const [row] = await run<{ first: number | null; last: number | null }>(
        `SELECT ${end("ASC")} AS first, ${end("DESC")} AS last`,
        [profile],
      );
      const [first, last] = [row?.first ?? null, row?.last ?? null];
      if (first === null || last === null) return null;
      return first <= now || last > now + furthestRetryMs ? 0 : first;
    },
    abandon: (profile, places, now) =>
      atomically(async (own) => {
        await lockForWriting(own);
        const left = await own<{ network: string }>(
          `SELECT DISTINCT network FROM edge e WHERE profile = $1 AND place = ANY($2::text[])
             AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.network = e.network)
             AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.profile = $1 AND NOT p.parked)
             AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.profile = $1 AND p.network = e.network)`,
          [profile, places],
        );
        const marks = left.map(({ network }): Mark => ({ profile, network, ban: false }));
        await markPending(own, marks, now);
        return left.length;
      }),
    async forgetPlace(place, profile) {
      await run("DELETE FROM edge WHERE place = $1 AND profile = $2", [place, profile]);
    },
    forgetAll: () =>
      atomically(async (own) => {
        await lockForWriting(own);
        for (const table of ["holds", "pending", "edge", "outside", "jails"])
          await own(`DELETE FROM ${table}`);
      }),
  };
}

/** One row of a network at a place: a statement cannot write the same row twice. */
function lastOfEach(known: readonly Known[]) {
  return [...new Map(known.map((one) => [one.network, one])).values()].map(({ network, row }) => ({
    network,
    there: row !== null,
    id: row?.id ?? null,
    mode: row?.mode ?? null,
    owned: row?.owned ?? false,
  }));
}
