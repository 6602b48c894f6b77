import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** Debian's path; the project's CI installs the package `chromium`. */
export const browser = '/usr/bin/chromium';

export const hasBrowser = existsSync(browser);

export interface LoginPage {
  /** What stands above the form. */
  readonly title: string;
  readonly titleColour: string;
  readonly buttonColour: string;
  readonly background: string;
  /** Bytes of the logo as the page loaded it; 0 when it did not. */
  readonly logoBytes: number;
  /** Where the login led. */
  readonly redirect: string;
}

/** Logs a person in with a real browser on the login page of an embedded region, and tells what the page looked like. */
export async function logInWithBrowser(url: string, username: string, password: string, screenshot?: string): Promise<LoginPage> {
  const chrome = await chromium.launch({
    executablePath: browser,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--host-resolver-rules=MAP *.localhost 127.0.0.1'],
  });
  try {
    const page = await chrome.newPage({ ignoreHTTPSErrors: true, locale: 'fr-FR' });
    let logoBytes = 0;
    page.on('response', async (response) => {
      if (response.url().endsWith('/logo.svg') && response.ok()) logoBytes = (await response.body()).length;
    });
    const back = new URL(new URL(url).searchParams.get('redirect_uri')!).origin;
    await page.goto(url, { waitUntil: 'networkidle' });
    if (screenshot) await page.screenshot({ path: screenshot });
    const style = (selector: string, property: string) =>
      page.locator(selector).first().evaluate((element, name) => (globalThis as any).getComputedStyle(element)[name] as string, property);
    const seen = {
      title: (await page.locator('#kc-header-wrapper').innerText()).trim(),
      titleColour: await style('#kc-header-wrapper', 'color'),
      buttonColour: await style('#kc-login', 'backgroundColor'),
      background: await style('body', 'backgroundColor'),
    };
    await page.fill('#username', username);
    await page.fill('#password', password);
    // What follows a redirect is not routed, so the page behind it need not be there.
    const [redirected] = await Promise.all([page.waitForRequest((request) => new URL(request.url()).origin === back), page.click('#kc-login')]);
    return { ...seen, logoBytes, redirect: redirected.url() };
  } finally {
    await chrome.close();
  }
}
