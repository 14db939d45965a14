const unsafe = /[^A-Za-z0-9 ._:-]/g;

/** A name with only characters that come back from Cloudflare as they were sent: notes are HTML-escaped there. */
export function plainName(name: string): string {
  return name.replace(unsafe, "-");
}

/** The ownership mark that stands in a rule's notes or an item's comment. */
export function mark(jail: string, host: string): string {
  return `Fail2Ban ${plainName(jail)} host:${plainName(host)}`;
}

/** The jail in our mark of this host; null for any other text. */
export function markedJail(text: string, host: string): string | null {
  return isOurMark(text, host) ? text.slice("Fail2Ban ".length, -` host:${plainName(host)}`.length) : null;
}

/** Whether the text is our mark of this host: only then is the rule ours to change or delete. */
export function isOurMark(text: string, host: string): boolean {
  return text.startsWith("Fail2Ban ") && text.endsWith(` host:${plainName(host)}`);
}
