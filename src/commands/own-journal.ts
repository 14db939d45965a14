import type { Config } from "../config.ts";
import { openForHook } from "../journal/hook-journal.ts";
import type { HookJournal } from "../journal/hook-journal.ts";

/** What this host holds, for a hook: in a fleet too it is the host's own journal that it touches. */
export async function openOwn({ journal, fleet }: Config): Promise<HookJournal> {
  if (fleet === null) return openForHook(journal);
  const { tellRenewals } = await import("../journal/renewals.ts");
  return openForHook(journal, tellRenewals);
}
