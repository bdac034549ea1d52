/** Somebody with a browser, a second factor at Keycloak, and a home folder for the CLI. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '@readmit/cli';
import { Secret, TOTP } from 'otpauth';
import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface Account {
  readonly username: string;
  readonly password: string;
  /** Key of the TOTP device, as text. */
  readonly device: string;
}
export type AtPage = (address: string) => Promise<unknown>;

export class Person {
  /** Addresses that the CLI opened. */
  readonly addresses: URL[] = [];
  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
    private readonly home: string,
    private readonly origin: string,
  ) {}
  static async of(browser: Browser, home: string, origin: string): Promise<Person> {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const context = await browser.newContext();
    return new Person(context, await context.newPage(), home, origin);
  }

  async signInAtPage(address: string, { username, password, device }: Account): Promise<void> {
    await this.page.goto(address);
    await this.page.fill('#username', username);
    await this.page.fill('#password', password);
    await this.page.click('#kc-login');
    await this.page.fill('#otp', new TOTP({ secret: Secret.fromUTF8(device) }).generate());
    await this.page.click('#kc-login');
  }

  /** Enrols a passkey of a virtual authenticator, with an application-initiated action. */
  async enrolPasskey(issuer: string, account: Account): Promise<void> {
    const devtools = await this.context.newCDPSession(this.page);
    await devtools.send('WebAuthn.enable', { enableUI: false });
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    // Keycloak asks for the label of the passkey.
    this.page.on('dialog', (dialog) => void dialog.accept('laptop'));
    // A real server: the browser does not show every redirect to a page that only the test answers.
    const client = createServer((_request, response) => response.end('enrolled'));
    await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve));
    const callback = `http://127.0.0.1:${(client.address() as AddressInfo).port}/callback`;
    const asked = new URL(`${issuer}/protocol/openid-connect/auth`);
    asked.search = new URLSearchParams({
      client_id: 'readmit-cli',
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      kc_action: 'webauthn-register',
    }).toString();
    await this.signInAtPage(asked.href, account);
    await this.page.click('#registerWebAuthn');
    await this.page.waitForURL((url) => url.href.startsWith(callback) && url.searchParams.get('kc_action_status') === 'success');
    client.closeAllConnections();
    client.close();
  }

  async readmit(argv: readonly string[], atPage: AtPage = (address) => this.page.goto(address)) {
    let [stdout, stderr] = ['', ''];
    const atPages: Promise<unknown>[] = [];
    const take = (text: string): void => void (stdout += text);
    const code = await run(argv, {
      stdout: { write: take, deliver: (text) => Promise.resolve(take(text)) },
      stderr: { write: (text) => void (stderr += text) },
      env: { READMIT_HOME: this.home, READMIT_URL: this.origin },
      fetch,
      now: () => new Date(),
      uuid: () => crypto.randomUUID(),
      sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      confirm: undefined,
      openBrowser: (url) => {
        this.addresses.push(new URL(url));
        atPages.push(atPage(url));
        // Awaited below: the CLI waits for the answer meanwhile.
        atPages.at(-1)?.catch(() => undefined);
      },
    });
    await Promise.all(atPages);
    return { code, stdout, stderr };
  }
  async done<T>(...argv: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.readmit([...argv, '--json']);
    if (code !== 0) throw new Error(`readmit ${argv.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }
  async token(): Promise<string> {
    return (JSON.parse(await readFile(path.join(this.home, 'session.json'), 'utf8')) as { accessToken: string }).accessToken;
  }
  /** What the doctor says of a token: its exit code, and the checks that are not ok. */
  async doctor(token: string, ...more: readonly string[]) {
    const file = path.join(this.home, 'token.jwt');
    await writeFile(file, token, { mode: 0o600 });
    const { code, stdout } = await this.readmit(['doctor', '--token', file, '--json', ...more]);
    const { checks } = JSON.parse(stdout) as { checks: readonly { check: string; result: string }[] };
    return { code, notOk: checks.filter(({ result }) => result !== 'ok').map(({ check, result }) => `${check} ${result}`) };
  }
}
