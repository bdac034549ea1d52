/** The demo's pages: plain HTML without scripts or foreign assets, each named demo. */
const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/**
 * A page may load nothing and be framed by nobody. Browsers apply form-action to redirects as well, and the last one of a sign-in goes to the
 * program that waits on this machine.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http://127.0.0.1:*; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

const layout = (title: string, main: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} - Readmit demo</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff; }
header { border-bottom: 3px solid #8a4b00; } .error { border-left: 4px solid #a00000; padding-left: .75rem; }
label { display: block; margin-top: 1rem; font-weight: 600; } input { font: inherit; width: 100%; padding: .4rem; box-sizing: border-box; }
button { font: inherit; margin: 1rem .5rem 0 0; padding: .5rem 1rem; } :focus-visible { outline: 3px solid #0050c8; }
</style>
</head>
<body>
<header><p><strong>Readmit demo identity provider</strong>: not for real accounts</p></header>
<main>
<h1>${escape(title)}</h1>
${main}
</main>
</body>
</html>
`;

const alert = (text: string | undefined): string => (text ? `<p class="error" role="alert" id="problem">${escape(text)}</p>\n` : '');

/** `form` is the library's, with its token against forged requests; the label and the visible button are ours. */
export function userCodePage(form: string, wrong: boolean): string {
  const labelled = form
    .replace(/onfocus="[^"]*"\s*/, '')
    .replace(
      /<input(?=[^>]*name="user_code")/,
      `<label for="user-code">Code shown in your terminal</label>\n  <input id="user-code"${wrong ? ' aria-describedby="problem" aria-invalid="true"' : ''}`,
    )
    .replace('</input>', '');
  return layout(
    'Connect a terminal',
    `${alert(wrong ? 'This code cannot be used. Check it, or ask your terminal for a new one.' : undefined)}${labelled}\n<button type="submit" form="op.deviceInputForm">Continue</button>`,
  );
}

export const confirmDevicePage = (form: string, client: string, userCode: string): string =>
  layout(
    'Is this your terminal?',
    `<p><strong>${escape(client)}</strong> should show this code:</p>
<p><code>${escape(userCode)}</code></p>
<p>If you did not start this, stop here: someone may be trying to sign in as you.</p>
${form}
<button type="submit" form="op.deviceConfirmForm">Yes, continue</button><button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No, stop</button>`,
  );

export const signInPage = (uid: string, problem?: string): string =>
  layout(
    'Sign in',
    `${alert(problem)}<form method="post" action="/interaction/${escape(uid)}/sign-in">
<label for="username">Username</label><input id="username" name="username" autocomplete="username" required maxlength="128">
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256">
<label for="code">Code of your second factor</label><input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="6" pattern="[0-9]{6}">
<button type="submit">Sign in</button>
</form>
<p>The password alone opens nothing. If you lost your second factor, ask for a recovery case.</p>`,
  );

export const consentPage = (uid: string, client: string, scopes: readonly string[]): string =>
  layout(
    'Allow access?',
    `<p><strong>${escape(client)}</strong> asks to act for you:</p>
<ul>${scopes.map((scope) => `<li>${escape(scope)}</li>`).join('')}</ul>
<form method="post" action="/interaction/${escape(uid)}/consent"><button type="submit">Allow</button></form>
<form method="post" action="/interaction/${escape(uid)}/abort"><button type="submit">Refuse</button></form>`,
  );

export const donePage = (): string => layout('Signed in', '<p>Your terminal is connected. You can close this page.</p>');
export const errorPage = (error: string, says: string): string =>
  layout('Sign-in failed', `${alert(says)}<p>Reason: <code>${escape(error)}</code></p>`);

export interface Letter {
  readonly id: string;
  readonly at: string;
  readonly to: string;
  /** Every address that it was delivered to; absent in letters of an older demo. */
  readonly addresses?: readonly string[];
  readonly about: string;
  readonly text: string;
}

export const mailboxPage = (letters: readonly Letter[]): string =>
  layout(
    'Mailbox (demo)',
    letters.length === 0
      ? '<p>No letters yet.</p>'
      : `<ol>${letters.map(({ at, to, addresses = [], about, text }) => `<li><h2>${escape(about)}</h2><p>To ${escape([to, ...addresses].join(', '))}, <time datetime="${escape(at)}">${escape(at)}</time></p><p>${escape(text)}</p></li>`).join('\n')}</ol>`,
  );

export const homePage = (): string =>
  layout(
    'Readmit demo',
    '<ul><li><a href="/device">Connect a terminal</a></li><li><a href="/demo/mailbox">Mailbox</a></li><li><a href="/.well-known/openid-configuration">OpenID configuration</a></li></ul>',
  );
