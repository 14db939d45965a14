import type { BunLicense } from "./bun-license.ts";
import type { BundledSource } from "./bundled.ts";

export interface Contents {
  readonly packages: readonly BundledSource[];
  readonly bunVersion: string;
  readonly bun: BunLicense;
}

/** Whose work is in the binary, and on what terms. */
export function notices({ packages, bunVersion, bun }: Contents): string {
  const sections = packages.map(({ name, version, license, homepage, licenseText, inlined }) => {
    const also = inlined.map((one) => `It contains ${one.name} (${one.license}).\n`).join("");
    return `## ${name} ${version} (${license})\n\n${homepage}\n${also}\n${licenseText}\n`;
  });
  return [
    "# Third-party notices\n",
    "The program fail2ban-cloudflare contains the following works of others.\n",
    ...sections,
    `## Bun ${bunVersion}\n\nhttps://bun.com\n\n${bun.text.replaceAll(/^## /gm, "### ")}\n`,
  ].join("\n");
}
