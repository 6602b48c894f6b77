import { hasUnknown, type Properties } from './provider-values';

/** The configuration of a provider, read when it is needed: in a preview some of it may be unknown. */
export interface Settings {
  optional(key: string): string | undefined;
  /** @throws Error when the program does not give it, or it is not known yet. */
  required(key: string): string;
}

/** What the engine adds itself. */
const ofTheEngine = ['version', 'pluginDownloadURL', 'parameterization'];

/** @throws Error that names the settings that the stand-in does not know. */
export function settingsOf(plugin: string, { values }: Properties, accepted: readonly string[]): Settings {
  const strange = Object.keys(values).filter((key) => ![...accepted, ...ofTheEngine].includes(key));
  if (strange.length) {
    throw new Error(`provider ${plugin}: got ${strange.join(', ')}; the embedded region's stand-in knows ${accepted.join(', ')}. Fix: leave it out, or use the official plugin (--plugins official)`);
  }
  const optional = (key: string): string | undefined => {
    const value = values[key];
    return value === undefined || value === null || value === '' || hasUnknown(value) ? undefined : String(value);
  };
  return {
    optional,
    required(key) {
      const value = optional(key);
      if (value === undefined) throw new Error(`provider ${plugin}: ${key}: got ${hasUnknown(values[key]) ? 'a value that is not known yet' : 'nothing'}; allowed: a value. Fix: set it`);
      return value;
    },
  };
}
