/** What people do with a case, in two ways: with the CLI as a process, and over plain HTTP. */
import { createHash, createHmac, createPrivateKey, generateKeyPairSync, randomUUID, sign, type JsonWebKey } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import canonicalize from 'canonicalize';
import { until } from '@readmit/testing';
import { CompactSign, importJWK } from 'jose';
import { readmit, type Installation } from './installation.js';

export interface Opening {
  /** Absent: anonymous. */
  readonly by?: string;
  readonly subject: { readonly kind: 'person' | 'machine'; readonly id: string };
  readonly ask: { readonly kind: string; readonly connector: string; readonly object: string; readonly entitlement?: string };
  readonly reasonCode: string;
  readonly seconds: number;
}
export interface Evidence {
  readonly kind: string;
  readonly channel: string;
  readonly code?: string | undefined;
  readonly contact?: string;
}
export interface Entry {
  readonly at: string;
  readonly id: string;
  readonly type: string;
  readonly label: string;
  readonly by: string;
  readonly says: string;
}
/** The outcome of a step: 0 or the exit code or HTTP status of a refusal, with its rule and reason. */
export interface Outcome {
  readonly signal: number;
  readonly rule?: string | undefined;
  readonly reason?: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}
export interface Opened {
  readonly caseId: string;
  /** The code that the person reads out to the help desk, if the case has a key. */
  readonly code?: string | undefined;
}

export interface CaseSteps {
  readonly kind: 'cli' | 'http';
  /** Exit codes or HTTP statuses. */
  readonly signals: { readonly forbidden: number; readonly conflict: number; readonly notFound: number; readonly notSignedIn: number };
  signIn(persona: string): Promise<unknown>;
  open(opening: Opening): Promise<Opened>;
  timeline(persona: string, caseId: string): Promise<readonly Entry[]>;
  phone(persona: string, caseId: string): Promise<string>;
  prove(persona: string, caseId: string, evidence: Evidence): Promise<Outcome>;
  decide(persona: string, caseId: string, choice: 'approve' | 'deny'): Promise<Outcome>;
  /** `persona` undefined: with the key of the case. */
  act(what: 'withdraw' | 'end' | 'repudiate' | 'contain', persona: string | undefined, caseId: string): Promise<Outcome>;
}

/** The default policy requires one for roles and secrets. */
const ticket = 'OPS-4711';
/** The home folder for anonymous cases, in which nobody is signed in. */
const nobody = 'nobody';

export class CliSteps implements CaseSteps {
  readonly kind = 'cli';
  readonly signals = { forbidden: 4, conflict: 7, notFound: 6, notSignedIn: 5 };
  constructor(private readonly at: Installation) {}

  private async run(persona: string, argv: readonly string[]): Promise<Outcome> {
    const { code, stdout, stderr } = await readmit(this.at, persona, [...argv, '--json']);
    if (code === 0) return { signal: 0, body: { value: JSON.parse(stdout) as unknown } };
    // The error is the last thing printed, after notes for people.
    const { problem, ...rest } = JSON.parse(stderr.slice(stderr.lastIndexOf('{"error"'))) as {
      problem?: { rule?: string; reason?: string };
    };
    return { signal: code, rule: problem?.rule, reason: problem?.reason, body: rest };
  }
  private async done<T>(persona: string, argv: readonly string[]): Promise<T> {
    const outcome = await this.run(persona, argv);
    if (outcome.signal !== 0) throw new Error(`readmit ${argv.join(' ')} failed: ${JSON.stringify(outcome)}`);
    return outcome.body['value'] as T;
  }
  async signIn(persona: string): Promise<void> {
    await mkdir(path.join(this.at.stateDir, 'homes', persona), { recursive: true, mode: 0o700 });
    await this.done(persona, ['login', '--as', persona]);
  }
  open({ by, subject, ask, reasonCode, seconds }: Opening): Promise<Opened> {
    const object = `${ask.connector}/${ask.object}${ask.entitlement === undefined ? '' : `/${ask.entitlement}`}`;
    const who = subject.kind === 'machine' ? ['--machine', subject.id] : ['--subject', subject.id];
    const more = ['--reason-code', reasonCode, '--reason', 'by hand', '--ticket', ticket, '--for', `${seconds}s`];
    return this.done(by ?? nobody, [
      'case',
      'open',
      ...(by === undefined ? ['--anonymous'] : []),
      ...who,
      '--ask',
      `${ask.kind}=${object}`,
      ...more,
    ]);
  }
  timeline(persona: string, caseId: string): Promise<readonly Entry[]> {
    return this.done(persona, ['case', 'timeline', caseId]);
  }
  async phone(persona: string, caseId: string): Promise<string> {
    const points = await this.done<readonly { kind: string; digest: string }[]>(persona, ['case', 'contacts', caseId]);
    return points.find(({ kind }) => kind === 'phone')?.digest ?? '';
  }
  prove(persona: string, caseId: string, { kind, channel, code, contact }: Evidence): Promise<Outcome> {
    const more = [...(code ? ['--code', code] : []), ...(contact ? ['--contact', contact] : [])];
    const what = ['--kind', kind, '--channel', channel, '--assurance', 'substantial', '--note', 'by hand'];
    return this.run(persona, ['evidence', 'add', caseId, ...what, ...more]);
  }
  decide(persona: string, caseId: string, choice: 'approve' | 'deny'): Promise<Outcome> {
    const key = path.join(this.at.stateDir, 'demo/keys', `${persona}.jwk`);
    return this.run(persona, [choice, caseId, '--reason', 'by hand', '--key', key, '--yes']);
  }
  act(what: 'withdraw' | 'end' | 'repudiate' | 'contain', persona: string | undefined, caseId: string): Promise<Outcome> {
    const because = ['--reason', 'by hand'];
    if (what === 'contain') return this.run(persona ?? nobody, ['contain', caseId, ...because, '--apply']);
    return this.run(persona ?? nobody, ['case', what, caseId, ...(what === 'withdraw' ? [] : because)]);
  }
}

interface CaseKey {
  readonly signing: JsonWebKey;
  readonly sealing: JsonWebKey;
  readonly fingerprint: string;
}
export const newCaseKey = (): CaseKey => {
  const signing = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const sealing = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const shown = { sealing: publicPart(sealing), signing: publicPart(signing) };
  return {
    signing,
    sealing,
    fingerprint: createHash('sha256')
      .update(canonicalize(shown) ?? '')
      .digest('hex'),
  };
};
const publicPart = ({ kty, crv, x }: JsonWebKey): JsonWebKey => ({ kty, crv, x }) as JsonWebKey;

export class HttpSteps implements CaseSteps {
  readonly kind = 'http';
  readonly signals = { forbidden: 403, conflict: 409, notFound: 404, notSignedIn: 401 };
  private readonly tokens = new Map<string, string>();
  readonly keys = new Map<string, CaseKey>();
  constructor(private readonly at: Installation) {}

  /** Also returns the access token. */
  async signIn(persona: string): Promise<string> {
    const form = {
      grant_type: 'urn:readmit:demo:persona',
      client_id: 'readmit-cli',
      persona,
      resource: 'readmit-api',
      audience: 'readmit-api',
    };
    const response = await fetch(`${this.at.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
    const { access_token: token } = (await response.json()) as { access_token?: string };
    if (!token) throw new Error(`${persona} got no token: HTTP ${response.status}`);
    this.tokens.set(persona, token);
    return token;
  }
  bearer(persona: string): Record<string, string> {
    return { authorization: `Bearer ${this.tokens.get(persona) ?? ''}` };
  }
  /** `by`: a persona, a case's key, or headers. */
  async call(method: 'GET' | 'POST', target: string, by: string | CaseKey | Record<string, string>, body?: object): Promise<Response> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      typeof by === 'string'
        ? this.bearer(by)
        : 'fingerprint' in by
          ? { 'readmit-proof': await proof(by as CaseKey, method, target, text) }
          : by;
    return fetch(`${this.at.origin}${target}`, {
      method,
      headers: { ...headers, ...(text === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(text === undefined ? {} : { body: text }),
    });
  }
  async outcome(...request: Parameters<HttpSteps['call']>): Promise<Outcome> {
    const response = await this.call(...request);
    const body = (await response.json()) as Record<string, unknown>;
    if (response.ok) return { signal: 0, body };
    const type = response.headers.get('content-type');
    if (!type?.startsWith('application/problem+json')) throw new Error(`HTTP ${response.status} has the content type ${type ?? 'none'}`);
    return { signal: response.status, rule: body['rule'] as string, reason: body['reason'] as string, body };
  }
  private async done<T>(...request: Parameters<HttpSteps['call']>): Promise<T> {
    const { signal, body } = await this.outcome(...request);
    if (signal !== 0) throw new Error(`${request[0]} ${request[1]} failed: ${JSON.stringify(body)}`);
    return body as T;
  }
  async open({ by, subject, ask, reasonCode, seconds }: Opening): Promise<Opened> {
    const asked = { asks: [ask], subject, reasonCode, reason: 'by hand', ticket, durationSeconds: seconds };
    if (by !== undefined) return this.done('POST', '/api/intake/cases', by, asked);
    const key = newCaseKey();
    const caseKey = { signing: publicPart(key.signing), sealing: publicPart(key.sealing), fingerprint: key.fingerprint };
    const { caseId } = await this.done<Opened>('POST', '/api/intake/cases', key, { ...asked, caseKey });
    this.keys.set(caseId, key);
    const nonce = await until(async () => (await this.done<{ codeNonce?: string }>('GET', `/api/intake/cases/${caseId}`, key)).codeNonce, {
      what: 'the case is classified',
    });
    const digits = createHmac('sha256', nonce).update(key.fingerprint).digest('hex');
    return { caseId, code: `${digits.slice(0, 4)}-${digits.slice(4, 8)}` };
  }
  timeline(persona: string, caseId: string): Promise<readonly Entry[]> {
    return this.done('GET', `/api/intake/cases/${caseId}/timeline`, persona);
  }
  async phone(persona: string, caseId: string): Promise<string> {
    const points = await this.done<{ kind: string; digest: string }[]>('GET', `/api/classification/cases/${caseId}/contacts`, persona);
    return points.find(({ kind }) => kind === 'phone')?.digest ?? '';
  }
  prove(persona: string, caseId: string, evidence: Evidence): Promise<Outcome> {
    return this.outcome('POST', `/api/approval/cases/${caseId}/evidence`, persona, { ...evidence, assurance: 2, note: 'by hand' });
  }
  async decide(persona: string, caseId: string, decision: 'approve' | 'deny'): Promise<Outcome> {
    const target = `/api/approval/cases/${caseId}`;
    const { planDigest, evidenceDigest, policyDigest, nonce } = await this.done<Record<string, string>>('GET', target, persona);
    const statement = {
      v: 1,
      caseId,
      planDigest,
      evidenceDigest,
      policyDigest,
      decision,
      approver: persona,
      decidedAt: new Date().toISOString(),
      nonce,
      reason: 'by hand',
    };
    return this.outcome('POST', `${target}/decisions`, persona, { statement, proof: await this.signature(persona, statement) });
  }
  /** An approver's signature (DSSE) of the statement, with the persona's key from the demo. */
  private async signature(persona: string, statement: object): Promise<object> {
    const key = JSON.parse(await readFile(path.join(this.at.stateDir, 'demo/keys', `${persona}.jwk`), 'utf8')) as JsonWebKey & {
      kid: string;
    };
    const text = canonicalize(statement) ?? '';
    const type = 'application/vnd.readmit.decision.v1+json';
    const bytes = Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${Buffer.byteLength(text)} ${text}`);
    return {
      type: 'software-key',
      kid: key.kid,
      signature: sign(null, bytes, createPrivateKey({ key, format: 'jwk' })).toString('base64url'),
    };
  }
  act(what: 'withdraw' | 'end' | 'repudiate' | 'contain', persona: string | undefined, caseId: string): Promise<Outcome> {
    const area = { withdraw: 'approval', end: 'revocation', repudiate: 'intake', contain: 'revocation' }[what];
    const by = persona ?? this.keys.get(caseId) ?? {};
    return this.outcome('POST', `/api/${area}/cases/${caseId}/${what}`, by, what === 'withdraw' ? undefined : { reason: 'by hand' });
  }
}

/** The header `readmit-proof`: a JWS over method, path, time, a single-use id and the digest of the body. */
async function proof(key: CaseKey, method: string, target: string, text: string | undefined): Promise<string> {
  const digest = text === undefined ? {} : { bodyDigest: createHash('sha256').update(text).digest('base64url') };
  const claims = { htm: method, htu: target, iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ...digest };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'readmit-proof+jwt', jwk: publicPart(key.signing) as never })
    .sign(await importJWK({ ...key.signing } as never, 'EdDSA'));
}
