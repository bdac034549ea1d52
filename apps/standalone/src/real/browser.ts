/** A headless Chromium that signs people in at Keycloak's pages, as they would themselves. */
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Secret, TOTP } from 'otpauth';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { deviceOf, type Person, type Realm } from './realm.js';

interface DebianTools {
  readonly browsers: readonly unknown[];
  ensureDebian(programs: readonly unknown[]): string | undefined;
}

/**
 * Finds Chromium, or installs Debian's where that is possible.
 * @throws {Error} there is none; it says what to install, and how to do without.
 */
export async function findChromium(toolsDir: string, log: (line: string) => void): Promise<string> {
  const found = inPath('chromium');
  if (found !== undefined) return found;
  log('downloading Chromium from Debian’s packages (about 100 MB, once)');
  const debian = (await import(pathToFileURL(path.join(toolsDir, 'debian.mjs')).href)) as DebianTools;
  const missing = debian.ensureDebian(debian.browsers);
  const installed = inPath('chromium');
  if (installed !== undefined) return installed;
  throw new Error(
    `no Chromium to sign people in at Keycloak: ${missing ?? 'it is not in PATH'}. Or use --without-browser: people then sign in at the demo identity provider, and what a sign-in at Keycloak would prove is not shown`,
  );
}

function inPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        // Not in this folder.
        return false;
      }
    });
}

/** What a page of Keycloak asks for, or shows. */
export type Shown = 'password' | 'code of a device' | 'one-time code' | 'enrolment of a device' | 'signed in' | `other: ${string}`;

const stepSeconds = 30;
/** Slow machines need seconds for a page. */
const pageTimeoutMs = 60_000;

export class KeycloakBrowser {
  /** Last time step of each device whose code was used: Keycloak accepts a code once. */
  private readonly usedStep = new Map<string, number>();

  private constructor(
    private readonly browser: Browser,
    private readonly realm: Realm,
    /** A program of Acme: its page is reached only with a code of Keycloak. */
    private readonly application: Server,
  ) {}

  static async start(executablePath: string, realm: Realm): Promise<KeycloakBrowser> {
    const browser = await chromium.launch({
      executablePath,
      // The launcher ends it.
      ...{ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false },
      args: [
        // Chromium's sandbox does not work for root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ...['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ],
    });
    const application = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>Acme</title><p>signed in at Acme</p>');
    }).listen(0, '127.0.0.1');
    await once(application, 'listening');
    return new KeycloakBrowser(browser, realm, application);
  }

  /** Signs the person in at the address that `readmit login` or a step-up opens. */
  async signIn(username: string, address: string): Promise<void> {
    const visit = await this.visit();
    try {
      await visit.open(address);
      await visit.password(this.person(username));
      await visit.code(await this.codeOf(username));
      const shown = await visit.shown();
      // The page of the CLI is none of Keycloak's.
      if (visit.isAtKeycloak()) throw new Error(`${username} could not sign in at Keycloak, which shows: ${shown} ${await visit.error()}`);
    } finally {
      await visit.close();
    }
  }

  /** A browser without cookies. */
  async visit(): Promise<Visit> {
    const context = await this.browser.newContext();
    context.setDefaultTimeout(pageTimeoutMs);
    const redirectUri = `http://127.0.0.1:${(this.application.address() as AddressInfo).port}/callback`;
    return new Visit(context, await context.newPage(), this.realm.issuer, redirectUri);
  }

  person(username: string): Person {
    const person = this.realm.people[username];
    if (!person) throw new Error(`this is a bug: there is no ${username} at Keycloak`);
    return person;
  }

  /** A code of the person's device that was not used before. Keycloak accepts those of the step before and after its own. */
  codeOf(username: string): Promise<string> {
    return this.unused(deviceOf(this.person(username)));
  }
  private async unused(device: TOTP): Promise<string> {
    const key = device.secret.base32;
    const current = (): number => Math.floor(Date.now() / 1000 / stepSeconds);
    const step = Math.max(current(), (this.usedStep.get(key) ?? 0) + 1);
    this.usedStep.set(key, step);
    while (step > current() + 1) await delay(200);
    return device.generate({ timestamp: step * stepSeconds * 1000 });
  }

  /** Enrols a new device on the page that asks for it, and remembers it as the person's. */
  async enrol(username: string, visit: Visit): Promise<void> {
    const device = new TOTP({ issuer: 'acme', label: username, secret: Secret.fromUTF8(await visit.newKey()) });
    await visit.newDevice(await this.unused(device));
    await this.realm.keepDevice(username, device);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    this.application.close();
    this.application.closeAllConnections();
  }
}

/** One browser window. Each step waits until the next page is loaded. */
export class Visit {
  constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
    private readonly issuer: string,
    private readonly redirectUri: string,
  ) {}

  open(address: string): Promise<unknown> {
    return this.page.goto(address);
  }
  /** Opens Acme's application, which sends people to Keycloak; who has a session there is signed in at once. */
  openApplication(): Promise<unknown> {
    const address = new URL(`${this.issuer}/protocol/openid-connect/auth`);
    address.search = new URLSearchParams({
      ...{ client_id: 'app', redirect_uri: this.redirectUri, response_type: 'code', scope: 'openid' },
      // Of RFC 7636, appendix B: nobody redeems the code.
      ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
    }).toString();
    return this.page.goto(address.href);
  }
  async password({ username, password }: Person): Promise<void> {
    // When somebody signs in again, the page knows who it is.
    if (await this.page.locator('#username:not([disabled])').isVisible()) await this.page.fill('#username', username);
    await this.page.fill('#password', password);
    await this.press('#kc-login');
  }
  async code(code: string): Promise<void> {
    await this.page.fill('#otp', code);
    await this.press('#kc-login');
  }
  async oneTimeCode(code: string): Promise<void> {
    await this.page.fill('[name=recoveryCodeInput]', code);
    await this.press('#kc-login');
  }
  /** From the page for a device's code to the one for a one-time code; false: it is not offered. */
  async tryOneTimeCode(): Promise<boolean> {
    if (!(await this.page.locator('#try-another-way').isVisible())) return false;
    await this.press('#try-another-way');
    const choice = this.page.locator('#kc-select-credential-form button, .select-auth-box-parent').filter({ hasText: /recovery/i });
    if ((await choice.count()) === 0) return false;
    const loaded = this.page.waitForEvent('load');
    await choice.first().click();
    await loaded;
    return true;
  }
  newKey(): Promise<string> {
    return this.page.locator('#totpSecret').inputValue();
  }
  async newDevice(code: string): Promise<void> {
    await this.page.fill('#totp', code);
    await this.page.fill('#userLabel', 'new phone');
    await this.press('#saveTOTPBtn');
  }
  async shown(): Promise<Shown> {
    const { page, redirectUri } = this;
    if (page.url().startsWith(`${redirectUri}?`))
      return new URL(page.url()).searchParams.has('code') ? 'signed in' : `other: ${new URL(page.url()).searchParams.get('error') ?? ''}`;
    const has = async (selector: string): Promise<boolean> => (await page.locator(selector).count()) > 0;
    if (await has('#totp')) return 'enrolment of a device';
    if (await has('[name=recoveryCodeInput]')) return 'one-time code';
    if (await has('#otp')) return 'code of a device';
    if (await has('#password')) return 'password';
    return `other: ${(await page.locator('body').innerText()).replaceAll(/\s+/g, ' ').slice(0, 200)}`;
  }
  isAtKeycloak(): boolean {
    return this.page.url().startsWith(this.issuer);
  }
  /** The error that the page shows. */
  async error(): Promise<string> {
    const texts = await this.page.locator('[id^=input-error], .kc-feedback-text, #kc-error-message').allInnerTexts();
    return texts.join(' ').replaceAll(/\s+/g, ' ').trim();
  }
  private async press(selector: string): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    await this.page.click(selector);
    await loaded;
  }
  close(): Promise<void> {
    return this.context.close();
  }
}
