import type { Brand } from '../model/brand';
import type { Platform } from './platform';

/** Where the pod has the instance's logo: the entrypoint copies this folder to what the server serves. */
export const webAssets = '/usr/share/nginx/tmp_html/brand';

/**
 * The brand and the posture as the environment of Onyxia's web application 5.5.1. It refuses assets from elsewhere, so the
 * logo is served by the application itself, without a zip from a server that has to be up when a pod starts.
 * Its own Keycloak theme is not used: the realm has ours (keycloak-theme.ts), with the same colours and logo.
 */
export function webEnv({ instance }: Platform): Record<string, string> {
  const { brand, languages, posture } = instance;
  const logo = '%PUBLIC_URL%/brand/logo.svg';
  const links = brand.links.map(({ label, url }) => ({ label, icon: 'HelpOutline', url }));
  return {
    ONYXIA_API_URL: '/api',
    HEADER_HIDE_ONYXIA: 'true',
    HEADER_LOGO: logo,
    HEADER_TEXT_BOLD: brand.name,
    HEADER_TEXT_FOCUS: 'Datalab',
    TAB_TITLE: brand.name,
    SOCIAL_MEDIA_TITLE: brand.name,
    SOCIAL_MEDIA_DESCRIPTION: (brand.tagline as Record<string, string>)[languages[0]!]!,
    FAVICON: logo,
    SPLASHSCREEN_LOGO: logo,
    HOMEPAGE_LOGO: logo,
    HOMEPAGE_HERO_TEXT: JSON.stringify(brand.tagline),
    HEADER_LINKS: JSON.stringify(links),
    PALETTE_OVERRIDE: JSON.stringify(palette(brand)),
    ENABLED_LANGUAGES: languages.join(','),
    // Tokens are bound to the browser's key. Only the onboarding service, which is not deployed, does not understand them.
    OIDC_DISABLE_DPOP: 'false',
    ...(posture === 'confidential'
      ? {
          AUTHENTICATION_GLOBALLY_REQUIRED: 'true',
          // A link must not start a service with settings that somebody else chose.
          DISABLE_AUTO_LAUNCH: 'true',
          // Members of a project read each other's Helm values.
          DISABLE_PERSONAL_INFOS_INJECTION_IN_GROUP: 'true',
        }
      : {}),
  };
}

function palette({ colours }: Brand): unknown {
  return {
    focus: { main: colours.primary, light: lighter(colours.primary, 0.4), light2: lighter(colours.primary, 0.8) },
    light: { main: colours.background },
  };
}

/** A colour mixed with white: 0 leaves it, 1 is white. */
function lighter(colour: string, share: number): string {
  const channels = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `#${channels.map((value) => Math.round(value + (255 - value) * share).toString(16).padStart(2, '0')).join('')}`;
}
