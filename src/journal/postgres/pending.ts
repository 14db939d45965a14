import type { Run } from "./session.ts";

export interface Mark {
  readonly profile: string;
  readonly network: string;
  readonly ban: boolean;
}

/**
 * Puts networks on the list of what may differ at the edge, in this order. Each gets a new generation, which tells a
 * delivery under way that the wish has changed.
 */
export async function markPending(run: Run, marks: readonly Mark[], now: number): Promise<void> {
  if (marks.length === 0) return;
  // A statement cannot write the same row twice: the last mark of a network is the one that counts.
  const last = [...new Map(marks.map((mark) => [`${mark.network} ${mark.profile}`, mark])).values()];
  await run(
    `INSERT INTO pending (profile, network, ban, since_at)
     SELECT profile, network, ban, $2 FROM jsonb_to_recordset($1::jsonb) AS m(profile text, network text, ban boolean)
     ON CONFLICT (profile, network) DO UPDATE SET generation = excluded.generation, ban = excluded.ban,
       since_at = excluded.since_at, attempts = 0, retry_at = 0, reason = NULL, parked = false`,
    [last, now],
  );
}
