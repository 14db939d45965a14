import { Failure } from "../../errors.ts";
import type { Host } from "./host.ts";

/** What a check has found: all is well, something should be looked at, or something keeps bans from working. */
export interface Finding {
  readonly state: "ok" | "warn" | "bad";
  readonly what: string;
  /** What comes of it; null where "what" says it all. */
  readonly why: string | null;
  /** The command or setting that mends it; null where there is nothing to mend. */
  readonly mend: string | null;
  /** What it came from; several checks meet the same, and it is said once. */
  readonly failure?: Failure;
}

/** One subject. A failure that it throws is a finding too. */
export interface Check {
  readonly name: string;
  run(host: Host): readonly Finding[] | Promise<readonly Finding[]>;
}

export interface Report extends Omit<Finding, "failure"> {
  readonly check: string;
}

/** No check takes longer: what it waits for has shorter deadlines of its own. */
const deadlineMs = 60_000;

export function ok(what: string): Finding {
  return { state: "ok", what, why: null, mend: null };
}

export function warn(what: string, why: string, mend: string): Finding {
  return { state: "warn", what, why, mend };
}

export function bad(what: string, why: string, mend: string): Finding {
  return { state: "bad", what, why, mend };
}

/** The same as a failure says it. */
export function failed(failure: Failure): Finding {
  return { state: "bad", what: failure.message, why: null, mend: failure.hint ?? null, failure };
}

/** The findings, or, where there are none, that all is well. */
export function orWell(findings: readonly Finding[], what: string): readonly Finding[] {
  return findings.length === 0 ? [ok(what)] : findings;
}

/** Each once: profiles without a credential of their own use the main one's, and say the same of it. */
export function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [finding.what, finding])).values()];
}

/** What a look comes to; a failure is a finding, and a bug is not. */
export async function foundBy(
  look: () => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Failure) return [failed(error)];
    throw error;
  }
}

/** Runs all checks at once, each for itself; the reports come in the order of the checks. */
export async function examine(checks: readonly Check[], host: Host): Promise<readonly Report[]> {
  const findings = await Promise.all(checks.map((check) => findingsOf(check, host)));
  const said = new Set<Failure>();
  return findings.flatMap((ofOne, index) =>
    ofOne.flatMap(({ failure, ...finding }): Report[] => {
      if (failure !== undefined && said.has(failure)) return [];
      if (failure !== undefined) said.add(failure);
      return [{ check: checks[index]?.name ?? "", ...finding }];
    }),
  );
}

async function findingsOf(check: Check, host: Host): Promise<readonly Finding[]> {
  const done = new AbortController();
  const late = async (): Promise<readonly Finding[]> => {
    await host.runtime.sleep(deadlineMs, done.signal);
    return [bad(`No answer in ${deadlineMs / 1_000} s`, "the check was given up", "see what hangs: ps -ef")];
  };
  try {
    return await Promise.race([foundBy(() => check.run(host)), late()]);
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return [
      bad(`The check failed by itself: ${said}`, "this is a bug of doctor", "report it, with this line"),
    ];
  } finally {
    done.abort();
  }
}
