import type { CommandText } from "../../manual.ts";
import { configOption, jailsCommand, offerOf, plainOptions } from "./offers.ts";
import type { Offer } from "./offers.ts";

/** A script for bash; it runs the program only to ask for the names of jails. */
export function bashCompletion(commands: readonly CommandText[]): string {
  const first = [
    ...commands.map(({ name }) => name),
    configOption.name,
    ...plainOptions.map(({ name }) => name),
  ];
  return `# Completes fail2ban-cloudflare in bash; made by: fail2ban-cloudflare completions bash

_fail2ban_cloudflare() {
  local current=$2 previous=$3 command='' kind='' word='' index
  local -a offers=()
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index += 1)); do
    case \${COMP_WORDS[index]} in
    ${configOption.name}) index=$((index + 1)) ;;
    -*) ;;
    *)
      command=\${COMP_WORDS[index]}
      break
      ;;
    esac
  done
  case "$command $previous" in
  ' ${configOption.name}') kind=files ;;
  ' '*) offers=(${first.map(quoted).join(" ")}) ;;
${commands.flatMap(cases).join("\n")}
  esac
  case $kind in
  files) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
  directories) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  jails) mapfile -t offers < <(${jailsCommand}) ;;
  esac
  [[ $kind != files && $kind != directories ]] || compopt -o filenames
  # Not compgen -W, which would run what stands in a name.
  for word in "\${offers[@]}"; do
    [[ $word == "$current"* ]] || continue
    printf -v word %q "$word"
    COMPREPLY+=("$word")
  done
}

complete -F _fail2ban_cloudflare fail2ban-cloudflare
`;
}

/** What comes after each option, and what else a command takes. */
function cases({ name, words, options }: CommandText): readonly string[] {
  const valued = options.filter(({ value }) => value !== null);
  const rest = [...words.flatMap((word) => word.choices), ...options.map((option) => option.name)];
  return [
    ...valued.map((option) => `  ${quoted(`${name} ${option.name}`)}) ${assignment(offerOf(option))} ;;`),
    `  ${quoted(`${name} `)}*) offers=(${rest.map(quoted).join(" ")}) ;;`,
  ];
}

function assignment(offer: Offer): string {
  if (offer.kind === "choices") return `offers=(${offer.choices.map(quoted).join(" ")})`;
  return offer.kind === "nothing" ? ":" : `kind=${offer.kind}`;
}

function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
