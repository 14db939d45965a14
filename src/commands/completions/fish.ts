import type { ArgumentText, CommandText } from "../../manual.ts";
import { configOption, jailsCommand, offerOf, plainOptions } from "./offers.ts";
import type { Offer } from "./offers.ts";

const begin = "complete -c fail2ban-cloudflare";

/** A script for fish, to be sourced or to be a file fail2ban-cloudflare.fish among its completions. */
export function fishCompletion(commands: readonly CommandText[]): string {
  const first = `${begin} -n __fish_use_subcommand`;
  return `# Completes fail2ban-cloudflare in fish; made by: fail2ban-cloudflare completions fish

${begin} -f
${first} ${long(configOption.name)} -r -F -d ${quoted(configOption.description)}
${plainOptions.map(({ name, description }) => `${first} ${long(name)} -d ${quoted(description)}`).join("\n")}
${commands.map(({ name, description }) => `${first} -a ${name} -d ${quoted(description)}`).join("\n")}

${commands.flatMap(argumentsOf).join("\n")}
`;
}

function argumentsOf({ name, words, options }: CommandText): readonly string[] {
  const within = `${begin} -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
  const choices = words.flatMap((word) => word.choices);
  return [
    ...(choices.length === 0 ? [] : [`${within} -a ${quoted(choices.join(" "))}`]),
    ...options.map(
      (option) => `${within} ${long(option.name)}${valueOf(option)} -d ${quoted(option.description)}`,
    ),
  ];
}

function valueOf(option: ArgumentText): string {
  if (option.value === null) return "";
  const offer = offerOf(option);
  return offer.kind === "files" ? " -r -F" : ` -x${offered(offer)}`;
}

function offered(offer: Offer): string {
  if (offer.kind === "choices") return ` -a ${quoted(offer.choices.join(" "))}`;
  if (offer.kind === "jails") return ` -a ${quoted(`(${jailsCommand})`)}`;
  return offer.kind === "directories" ? " -a '(__fish_complete_directories)'" : "";
}

function long(name: string): string {
  return `-l ${name.replace(/^--/, "")}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
