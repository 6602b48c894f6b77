import { z } from 'zod';
import { colour, httpsUrl, sentence } from './fields';

export const languages = ['de', 'en', 'es', 'fi', 'fr', 'it', 'nl', 'no', 'zh-CN'] as const;

/** A text in each language of the instance. */
export const localized = z.partialRecord(z.enum(languages), sentence);

/** Names, colours, logo, texts and links of an instance: every user-facing system wears them. */
export const brand = z.strictObject({
  /** The name people say: `SSP Cloud`. */
  name: sentence,
  /** One line below the name, in each language of the instance. */
  tagline: localized,
  colours: z.strictObject({
    /** Buttons and headers. */
    primary: colour,
    /** Text on `primary`. */
    onPrimary: colour,
    /** Page background. */
    background: colour,
  }),
  /** SVG file, relative to the instance's folder. */
  logo: sentence,
  /** Shown on the login page and in the portal. */
  links: z.array(z.strictObject({ label: localized, url: httpsUrl })),
});

export type Brand = z.output<typeof brand>;
export type Localized = z.output<typeof localized>;
