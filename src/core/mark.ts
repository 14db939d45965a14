const unsafe = /[^A-Za-z0-9 ._:-]/g;

/** A name with only characters that come back from Cloudflare as they were sent: notes are HTML-escaped there. */
export function plainName(name: string): string {
  return name.replace(unsafe, "-");
}

/** A host's name in a mark, without spaces: " host:b" at the end of "host:a host:b" would be another host's mark. */
export function plainHost(host: string): string {
  return plainName(host).replaceAll(" ", "-");
}

/** The ownership mark that stands in a rule's notes or an item's comment. */
export function mark(jail: string, host: string): string {
  return `Fail2Ban ${plainName(jail)} host:${plainHost(host)}`;
}

/** The jail in our mark of this host; null for any other text. */
export function markedJail(text: string, host: string): string | null {
  const [before, after] = ["Fail2Ban ", ` host:${plainHost(host)}`];
  const ours = text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
  return ours ? text.slice(before.length, -after.length) : null;
}

/** The jail in the notes of fail2ban's own Cloudflare actions, which name no host; null for any other text. */
export function stockJail(text: string): string | null {
  const jail = text.startsWith("Fail2Ban ") ? text.slice("Fail2Ban ".length) : "";
  return jail === "" || jail.includes(" host:") ? null : jail;
}

/** Whether the text is our mark of this host: only then is the rule ours to change or delete. */
export function isOurMark(text: string, host: string): boolean {
  return markedJail(text, host) !== null;
}
