import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { othersMay } from "./owner.ts";

/** Names that are every machine's. */
const nobodysHosts = ["localhost", "localhost.localdomain", "debian", "ubuntu"];

export const configuration: Check = {
  name: "configuration",
  run(host) {
    const { configPath: path } = host;
    if (!existsSync(path)) {
      return [bad(`There is no "${path}"`, "nothing says where to block", "fail2ban-cloudflare login")];
    }
    const { host: name, profiles } = host.config();
    const findings: Finding[] = [];
    const others = othersMay(path);
    if (others === "change") {
      findings.push(
        bad(
          `Others can change "${path}"`,
          "who changes it decides where the token is sent",
          `chown root ${path}; chmod 600 ${path}`,
        ),
      );
    }
    if (othersMay(dirname(path)) === "change") {
      findings.push(
        bad(
          `Others can put another file in place of "${path}"`,
          "who does decides where the token is sent",
          `chown root ${dirname(path)}; chmod 700 ${dirname(path)}`,
        ),
      );
    }
    if (others === "read") {
      findings.push(
        warn(
          `Others can read "${path}"`,
          "a token that is written there is everybody's",
          `chmod 600 ${path}`,
        ),
      );
    }
    if (nobodysHosts.includes(name)) {
      findings.push(
        warn(
          `This server calls itself "${name}" at Cloudflare`,
          "another that does so too takes this one's blocks for its own",
          `host = "web1" in "${path}", or another name of its own`,
        ),
      );
    }
    const named = [...profiles.keys()].filter((profile) => profile !== "");
    return orWell(
      findings,
      `"${path}" is right${named.length === 0 ? "" : `; profiles: ${named.join(", ")}`}`,
    );
  },
};
