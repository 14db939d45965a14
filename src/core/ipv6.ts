/** The 16 bytes of an IPv6 address in groups of hexadecimal digits; null when it is none. Source: RFC 4291, section 2.2. */
export function bytesOfIpv6(text: string): readonly number[] | null {
  const [head = "", tail, ...more] = text.split("::");
  const front = groupsOf(head);
  const back = groupsOf(tail ?? "");
  if (front === null || back === null || more.length > 0) return null;
  const missing = 8 - front.length - back.length;
  // "::" stands for one group at least.
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...front, ...new Array<number>(missing).fill(0), ...back];
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

/** An IPv6 address in canonical form: "::" for the first of the longest runs of zero groups. Source: RFC 5952, section 4. */
export function textOfIpv6(bytes: readonly number[]): string {
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) =>
    (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16),
  );
  const text = groups.join(":");
  let [start, length] = [0, 0];
  for (const { index, 0: run } of text.matchAll(/\b0(?::0)+\b/g)) {
    if (run.length > length) [start, length] = [index, run.length];
  }
  if (length === 0) return text;
  return `${text.slice(0, start).replace(/:$/, "")}::${text.slice(start + length).replace(/^:/, "")}`;
}

function groupsOf(part: string): readonly number[] | null {
  if (part === "") return [];
  const groups = part.split(":");
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null;
}
