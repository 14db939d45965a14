import { fleetMeanings, meanings } from "./meanings.ts";
import type { Meaning } from "./meanings.ts";
import { fleetSettings, mainSettings, profileSettings } from "./settings.ts";
import type { Setting, Settings } from "./settings.ts";

/** What is written of a setting: reference, manual page and the configuration to begin with are made from it. */
export interface SettingText {
  readonly key: string;
  readonly group: Meaning["group"];
  /** As "whole number from 10 to 1200". */
  readonly type: string;
  /** What holds where it is left out, as TOML or in words; "": nothing. */
  readonly fallback: string;
  /** Whether it may stand in [profiles.NAME] too. */
  readonly inProfiles: boolean;
  readonly says: string;
  /** Lines of TOML. */
  readonly example: string;
}

/** Every setting outside of tables, in the order of the schema. */
export function settingTexts(): readonly SettingText[] {
  return textsOf(mainSettings, meanings);
}

/** The settings of [fleet]. */
export function fleetTexts(): readonly SettingText[] {
  return textsOf(fleetSettings, fleetMeanings);
}

function textsOf(settings: Settings, all: Readonly<Record<string, Meaning>>): readonly SettingText[] {
  return Object.entries<Setting>(settings).flatMap(([key, setting]) => {
    const meaning = all[key];
    return meaning === undefined ? [] : [settingText(key, setting, meaning)];
  });
}

function settingText(
  key: string,
  setting: Setting,
  { group, says, otherwise, example }: Meaning,
): SettingText {
  const fallback = "fallback" in setting ? JSON.stringify(setting.fallback) : (otherwise ?? "");
  const shown = example ?? fallback;
  return {
    key,
    group,
    type: typeText(setting),
    fallback,
    inProfiles: Object.hasOwn(profileSettings, key),
    says,
    example: setting.kind === "table" ? shown : `${key} = ${shown}`,
  };
}

function typeText(setting: Setting): string {
  switch (setting.kind) {
    case "text":
      return "text";
    case "path":
      return setting.orUrl === undefined ? "absolute path" : "absolute path, or URL";
    case "choice":
      return setting.choices.map((choice) => JSON.stringify(choice)).join(", ");
    case "texts":
      return "list of texts";
    case "whole":
      return `whole number from ${setting.least} to ${setting.most}`;
    case "table":
      return "table";
  }
}
