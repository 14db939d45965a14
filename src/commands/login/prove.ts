import { Failure } from "../../errors.ts";
import type { Backend, Inspection, Requirement, Right } from "../../wire/inspect.ts";
import { tokenToCreate } from "../../wire/inspect.ts";
import type { Runtime } from "../../runtime.ts";

/** A token that was made a moment ago is refused for some seconds. */
const patienceMs = [1_000, 2_000, 4_000] as const;

/** Tries every permission and says how far each goes; throws a rejected failure unless all may be used to change. */
export async function prove(
  runtime: Runtime,
  inspection: Inspection,
  { requirements, backend }: { readonly requirements: readonly Requirement[]; readonly backend: Backend },
): Promise<void> {
  const rights = new Map<Requirement, Right>();
  const lacking = (): readonly Requirement[] => requirements.filter((one) => rights.get(one) !== "edit");
  const look = async (): Promise<void> => {
    for (const requirement of lacking()) rights.set(requirement, await inspection.probe(requirement));
  };
  await look();
  for (const waitMs of patienceMs) {
    if (lacking().length === 0) break;
    await runtime.sleep(waitMs, runtime.signal);
    await look();
  }
  for (const requirement of requirements) {
    const { label, permission } = requirement;
    const right = rights.get(requirement);
    const state = right === "read" ? ": it may only read" : "";
    runtime.print(`${right === "edit" ? "✓" : "✗"} ${label}: ${permission}${state}`);
  }
  const [first] = lacking();
  if (first === undefined) return;
  const kind = first.permission.startsWith("Zone") ? "zone" : "account";
  for (const line of tokenToCreate(backend, kind)) runtime.talk(line);
  throw new Failure(
    "rejected",
    `Cannot log in: the credential lacks ${first.permission} for ${first.label}`,
    {
      hint: "change its permissions in Cloudflare's dashboard and log in again; nothing was written",
    },
  );
}
