/** The route that needs a fresh sign-in, over HTTP: who is challenged, with what, and who is served. The engine is a fake. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { BearerVerifier } from '@readmit/signing';
import { ProofVerifier } from '../src/http/case-proof.js';
import { Instruments } from '../src/http/instruments.js';
import { createHttp } from '../src/http/server.js';
import { createLog, Serves, type AnswerOf } from '../src/index.js';
import { startIssuer, type TestIssuer } from './issuer.js';
import { FakeEngine } from './scheduler.js';

let served: string[] = [];
const taken = { caseId: 'case_1', link: '/' };
@Controller()
class ApprovalController {
  @Serves('decide')
  async decide(): Promise<AnswerOf<'decide'>> {
    served.push('decide');
    return { ...taken, decisionId: 'decision_1' };
  }
  @Serves('addEvidence')
  async evidence(): Promise<AnswerOf<'addEvidence'>> {
    served.push('addEvidence');
    return { ...taken, evidenceId: 'evidence_1' };
  }
  @Serves('withdraw')
  async withdraw(): Promise<AnswerOf<'withdraw'>> {
    served.push('withdraw');
    return taken;
  }
  @Serves('inbox')
  async inbox(): Promise<AnswerOf<'inbox'>> {
    return { items: [], next: null };
  }
  @Serves('showApproval')
  async show(): Promise<AnswerOf<'showApproval'>> {
    throw new Error('nobody asks in this spec');
  }
}

let issuer: TestIssuer;
const now = () => new Date();
const open: { close(): Promise<void> }[] = [];
async function approval(stepUp: { readonly acrValues: readonly string[]; readonly maxAgeSeconds: number }) {
  const engine = Object.assign(new FakeEngine(), { service: 'approval' as never });
  const log = createLog({ service: 'approval', level: 'fatal', secrets: [], write: () => undefined });
  const instruments = new Instruments('approval', log);
  const http = await createHttp({
    service: 'approval',
    area: 'approval',
    engine,
    controllers: [ApprovalController],
    providers: [],
    log,
    instruments,
    scrape: () => instruments.scrape({ engine, store: { query: async () => [] } }),
    bearer: new BearerVerifier({ issuer: issuer.url, audience: 'readmit-api', now }),
    stepUp,
    now,
    proofs: new ProofVerifier(now),
    signalProviders: [],
    trustedProxies: [],
    limits: { perAddress: 10_000, perActor: 10_000 },
    checkAnswers: true,
    draining: () => false,
  });
  open.push(http);
  return { http, engine };
}
let gold: Awaited<ReturnType<typeof approval>>;
beforeAll(async () => {
  issuer = await startIssuer();
  gold = await approval({ acrValues: ['gold', 'phr'], maxAgeSeconds: 300 });
});
afterAll(async () => {
  for (const one of open) await one.close();
  await issuer.close();
});
beforeEach(() => {
  served = [];
});

const hex = 'a'.repeat(64);
const decision = (choice: 'approve' | 'deny') => ({
  statement: {
    ...{ v: 1, caseId: 'case_1', planDigest: hex, evidenceDigest: hex, policyDigest: hex, decision: choice, approver: 'dana' },
    ...{ decidedAt: '2026-11-22T10:00:00.000Z', nonce: 'A'.repeat(22), reason: 'checked' },
  },
  proof: { type: 'software-key', kid: 'dana-1', signature: 'AAAA' },
});
const proof = { kind: 'call-back', channel: 'phone', assurance: 2, note: 'read out' };
const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;
async function post(what: string, body: object | undefined, claims: Record<string, unknown>, { http } = gold) {
  const response = await http.inject({
    method: 'POST',
    url: `/api/approval/cases/case_1/${what}`,
    headers: {
      authorization: `Bearer ${await issuer.token({ sub: 'dana', ...claims })}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { payload: JSON.stringify(body) } : {}),
  });
  const { reason, rule } = response.json() as { reason?: string; rule?: string };
  return { status: response.statusCode, reason, rule, challenge: response.headers['www-authenticate'] };
}

describe('a decision', () => {
  it.each(['approve', 'deny'] as const)(
    'R4.10 to %s is taken of somebody who signed in just now at a level that is accepted',
    async (choice) => {
      expect(await post('decisions', decision(choice), { auth_time: ago(10), acr: 'phr' })).toMatchObject({ status: 202 });
      expect(served).toEqual(['decide']);
    },
  );

  it.each([
    ['too long ago', { auth_time: ago(310), acr: 'gold' }, 'sign-in-too-old'],
    ['at no time that the token says', { acr: 'gold' }, 'auth-time-missing'],
    ['at another level', { auth_time: ago(10), acr: 'silver' }, 'acr-not-accepted'],
    ['at no level that the token says', { auth_time: ago(10) }, 'acr-missing'],
  ])('R4.10 of somebody who signed in %s is answered with the challenge of RFC 9470, and is not recorded', async (_, claims, reason) => {
    for (const choice of ['approve', 'deny'] as const)
      expect(await post('decisions', decision(choice), claims)).toEqual({
        status: 401,
        reason,
        rule: 'R4.10',
        challenge: `Bearer realm="readmit", error="insufficient_user_authentication", error_description="${reason}", acr_values="gold phr", max_age="300"`,
      });
    expect([served, gold.engine.refusals]).toEqual([[], []]);
  });

  it('R4.10 asks for a fresh sign-in also where no level is configured, and names none then', async () => {
    const any = await approval({ acrValues: [], maxAgeSeconds: 60 });
    expect(await post('decisions', decision('approve'), { auth_time: ago(50) }, any)).toMatchObject({ status: 202 });
    expect(await post('decisions', decision('approve'), { auth_time: ago(70) }, any)).toMatchObject({
      status: 401,
      challenge: 'Bearer realm="readmit", error="insufficient_user_authentication", error_description="sign-in-too-old", max_age="60"',
    });
  });

  it('R4.10 is what alone is challenged: proofs and taking a request back are not decisions', async () => {
    const old = { auth_time: ago(3000), acr: 'silver' };
    expect(await post('evidence', proof, old)).toMatchObject({ status: 202 });
    expect(await post('withdraw', undefined, old)).toMatchObject({ status: 202 });
    expect(served).toEqual(['addEvidence', 'withdraw']);
  });
});
