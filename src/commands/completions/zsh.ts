import type { ArgumentText, CommandText } from "../../manual.ts";
import { configOption, jailsCommand, offerOf, plainOptions } from "./offers.ts";
import type { Offer } from "./offers.ts";

/** A script for zsh, to be sourced or to be a file _fail2ban-cloudflare in its fpath. */
export function zshCompletion(commands: readonly CommandText[]): string {
  const described = commands.map(
    ({ name, description }) => `    ${quoted(`${escaped(name)}:${description}`)}`,
  );
  return `#compdef fail2ban-cloudflare
# Completes fail2ban-cloudflare in zsh; made by: fail2ban-cloudflare completions zsh

_fail2ban-cloudflare_jails() {
  local -a jails=(\${(f)"$(${jailsCommand})"})
  compadd -- $jails
}

_fail2ban-cloudflare() {
  local curcontext=$curcontext state line
  local -a commands=(
${described.join("\n")}
  )
  _arguments -C \\
    ${quoted(`${configOption.name}[${configOption.description}]:file:_files`)} \\
${plainOptions.map(({ name, description }) => `    ${quoted(`(- *)${name}[${description}]`)} \\`).join("\n")}
    '1:command:->command' '*::argument:->argument' && return
  case $state in
  command) _describe command commands ;;
  argument)
    case $words[1] in
${commands.map(argumentsOf).join("\n")}
    esac
    ;;
  esac
}

if [[ $funcstack[1] == _fail2ban-cloudflare ]]; then
  _fail2ban-cloudflare "$@"
else
  compdef _fail2ban-cloudflare fail2ban-cloudflare
fi
`;
}

function argumentsOf({ name, words, options }: CommandText): string {
  const specs = [
    ...words.map((word, index) => `${index + 1}:${escaped(word.name)}:${action(offerOf(word))}`),
    ...options.map(optionSpec),
  ];
  return `    ${name}) _arguments ${specs.map(quoted).join(" ")} ;;`;
}

function optionSpec(option: ArgumentText): string {
  const { name, value, description } = option;
  const argument = value === null ? "" : `:${escaped(value)}:${action(offerOf(option))}`;
  return `${name}[${escaped(description)}]${argument}`;
}

function action(offer: Offer): string {
  switch (offer.kind) {
    case "choices":
      return `(${offer.choices.join(" ")})`;
    case "jails":
      return "_fail2ban-cloudflare_jails";
    case "files":
      return "_files";
    case "directories":
      return "_files -/";
    case "nothing":
      return " ";
  }
}

/** For a part of a specification, where these have a meaning. */
function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
