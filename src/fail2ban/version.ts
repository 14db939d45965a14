/** Major and minor number of a fail2ban. */
export type Fail2banVersion = readonly [major: number, minor: number];

/** The first "N.N" of what `fail2ban-client -V` prints; null where there is none. */
export function readVersion(text: string): Fail2banVersion | null {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

export function isAtLeast([major, minor]: Fail2banVersion, [least, leastMinor]: Fail2banVersion): boolean {
  return major > least || (major === least && minor >= leastMinor);
}
