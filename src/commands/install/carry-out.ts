import { Failure } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";
import type { Step } from "./steps.ts";
import { beginTransaction } from "./transaction.ts";

/** What is told to the programs of this machine once the files stand. */
export interface Activation {
  begin(): Promise<void>;
  /** While our files are still there. */
  undo(): Promise<void>;
  /** When the files are as they were. */
  afterRollBack(): Promise<void>;
  /** When nothing can fail any more. */
  finish?(): Promise<void>;
}

export interface Steps {
  readonly before: readonly Step[];
  /** For what the activation still needs where it is. */
  readonly after: readonly Step[];
}

/** Applies the steps around the activation; when anything fails, all is as it was before. */
export async function carryOut(runtime: Runtime, steps: Steps, activation: Activation): Promise<void> {
  const transaction = beginTransaction();
  try {
    for (const step of steps.before) step.apply?.(transaction);
    await activation.begin();
    for (const step of steps.after) step.apply?.(transaction);
    if (runtime.signal.aborted) throw new Failure("unavailable", "Interrupted", { hint: "run it again" });
  } catch (error) {
    await attempt(runtime, () => activation.undo());
    const left = transaction.rollBack();
    await attempt(runtime, () => activation.afterRollBack());
    if (!(error instanceof Failure)) throw error;
    const end = left.length === 0 ? "everything is as it was before" : `not undone: ${left.join("; ")}`;
    throw new Failure(error.kind, `${error.message}; ${end}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
  transaction.commit();
  await activation.finish?.();
}

export function show(runtime: Runtime, steps: readonly Step[]): void {
  for (const { sign, path } of steps) runtime.print(`${sign} ${path}`);
}

export function tell(runtime: Runtime, steps: readonly Step[]): void {
  for (const { note } of steps) if (note !== undefined) runtime.talk(note);
}

/** One step back that fails must not keep the others from being taken. */
async function attempt(runtime: Runtime, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    runtime.talk(error instanceof Failure ? error.summary : String(error));
  }
}
