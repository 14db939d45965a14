import fc from "fast-check";

const commands =
  "ban unban flush start stop deliver sync status list realip login doctor help --help --version";
const command = fc.constantFrom(...commands.split(" "));
const known = fc.constantFrom(
  ..."--jail --bantime --restored --mode --profile --wait --family --once --json --dry-run --help --".split(
    " ",
  ),
  ..."sshd nginx-limit-req 203.0.113.7 198.51.100.0/24 2001:db8::7 2001:db8::/119 10.0.0.1".split(" "),
  ..."--jail=sshd --no-wait --no-no-wait --=x -- - -j --jail=--jail --config block 0 1 -1 600".split(" "),
  ..."inet4 inet6 --family=inet6 --constructor --__proto__=x --toString hasOwnProperty ".split(" "),
);
/** Any text, also of control characters, and also very long. */
export const garbage = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 5 }), fc.nat(40_000))
    .map(([text, times]) => text.repeat(times)),
  fc.string({ maxLength: 20 }).map((text) => `--${text}`),
);
const anyWord = fc.oneof(known, garbage);

/** Right in all but a word or two, so that it gets past the parser. */
const nearly = fc
  .tuple(
    fc.constantFrom("ban", "unban"),
    fc.oneof(fc.constantFrom("203.0.113.7", "198.51.100.0/25", "2001:db8::7"), anyWord),
    fc.oneof(fc.constantFrom("sshd", "nginx"), anyWord),
    fc.oneof(fc.constantFrom([], ["--wait"], ["--profile", ""]), fc.array(anyWord, { maxLength: 2 })),
  )
  .map(([name, address, jail, rest]) => [name, address, "--jail", jail, ...rest]);
const jailLine = fc
  .tuple(fc.constantFrom(["flush", "--family", "inet4"], ["start"], ["stop"], ["list"]), anyWord)
  .map(([words, jail]) => [...words, "--jail", jail]);
/** A command line: sound, nearly, or anything. */
export const line = fc.oneof(
  nearly,
  jailLine,
  fc.constantFrom(["deliver"], ["deliver", "--once"], ["sync"], ["status", "--json"]),
  fc
    .tuple(
      fc.oneof({ weight: 6, arbitrary: command }, garbage),
      fc.array(fc.oneof({ weight: 3, arbitrary: known }, garbage), { maxLength: 7 }),
    )
    .map(([name, rest]) => [name, ...rest]),
);
