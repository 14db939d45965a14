import { bad, distinct, foundBy, ok, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { othersMay } from "./owner.ts";

export const credential: Check = {
  name: "credential",
  async run(host) {
    const findings = [...host.config().profiles.values()].map((profile) =>
      foundBy(() => {
        const { credential: own, source } = host.credential(profile);
        return look(source, own.kind === "token" ? "API token" : "Global API Key");
      }),
    );
    return distinct((await Promise.all(findings)).flat());
  },
};

function look(source: string, kind: string): Finding[] {
  if (!source.startsWith("/")) {
    return [
      warn(
        `The ${kind} comes from ${source} of this shell`,
        "neither fail2ban nor the courier has it",
        "fail2ban-cloudflare login",
      ),
    ];
  }
  const others = othersMay(source);
  if (others === "nothing") return [ok(`${kind} in "${source}"`)];
  const why =
    others === "read" ? "it is everybody's on this machine" : "anybody may put another in its place";
  return [
    bad(`Others can ${others} the ${kind} in "${source}"`, why, `chown root ${source}; chmod 600 ${source}`),
  ];
}
