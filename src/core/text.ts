/** A value from outside as it may stand in a message: quoted, control characters escaped, at most 80 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

/** Local time as fail2ban writes it; without ICU, which would cost each start several milliseconds. */
export function timestamp(at: number): string {
  const time = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock},${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** What is longer than this is cut: a path or a name in a message may be of any length. */
const longestLine = 900;

/** Control characters escaped: a name from a log line must not forge a line of ours. */
export function oneLine(text: string): string {
  const line = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return line.length > longestLine ? `${line.slice(0, longestLine - 3)}...` : line;
}
