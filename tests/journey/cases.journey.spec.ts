/** Cases in the running system: every class from its opening to its early end, and what people are shown, issued and refused on the way. */
import { createHash, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openStore } from '@readmit/store';
import { until } from '@readmit/testing';
import canonicalize from 'canonicalize';
import { compactDecrypt } from 'jose';
import { parse as parseYaml } from 'yaml';
import { newCaseKey } from './case-steps.js';
import { lootOf, readmit, workspace } from './installation.js';
import {
  ada,
  approved,
  cli,
  done,
  erin,
  fact,
  granted,
  http,
  opened,
  payroll,
  system,
  typesOf,
  useRunningSystem,
} from './running-system.js';

useRunningSystem();

describe.each([
  ['the CLI', () => cli],
  ['plain HTTP', () => http],
] as const)('with %s', (_, stepsFor) => {
  it.each([
    ['mfa-recovery', ada, 'ada-admin', 'approver-is-subject'],
    ['privileged-restoration', erin, 'erin', 'approver-is-requester'],
    ['nhi-secret-restoration', payroll, 'pat', 'approver-is-requester'],
  ] as const)('R4.2 R6.4 %s is proved, approved by others and ended early', async (kind, opening, self, reason) => {
    const steps = stepsFor();
    const { caseId } = await opened(steps, opening);
    expect((await http.outcome('GET', `/api/intake/cases/${caseId}`, 'gita')).body).toMatchObject({
      class: kind,
      state: 'awaiting-approval',
    });
    const refused = { signal: steps.signals.forbidden, rule: 'R4.2' };
    const attempts = await Promise.all([steps.decide(self, caseId, 'approve'), steps.decide('boris', caseId, 'approve')]);
    expect(attempts).toMatchObject([
      { ...refused, reason },
      { ...refused, reason: 'approver-is-verifier' },
    ]);
    expect(await typesOf(caseId)).not.toContain('readmit.decision.recorded');
    await approved(steps, opening, caseId);
    await fact(caseId, 'readmit.execution.succeeded');
    expect(await steps.act('end', opening.by, caseId)).toMatchObject(done);
    await fact(caseId, 'readmit.revocation.due', ({ says }) => says.startsWith(`Revocation due: ended by ${opening.by ?? 'case-key'}: `));
    await fact(caseId, 'readmit.revocation.confirmed');
    // The new secret stays: consumers have until the end of the case to take it over.
    if (opening !== payroll) await fact(caseId, 'readmit.case.closed');
  });

  it('R4.7 only the requester can withdraw a request', async () => {
    const steps = stepsFor();
    const { caseId } = await steps.open(erin);
    await fact(caseId, 'readmit.plan.proposed');
    expect(await steps.act('withdraw', 'mallory', caseId)).toMatchObject({
      signal: steps.signals.forbidden,
      rule: 'R4.7',
      reason: 'not-the-requester',
    });
    expect(await steps.act('withdraw', 'erin', caseId)).toMatchObject(done);
    expect(await fact(caseId, 'readmit.case.closed')).toMatchObject({ says: 'Case closed as withdrawn.' });
  });

  it('R6.6 only an operator can contain a granted case', async () => {
    const steps = stepsFor();
    const { caseId } = await granted(http, erin);
    expect(await steps.act('contain', 'chidi', caseId)).toMatchObject({
      signal: steps.signals.forbidden,
      rule: 'R4.6',
      reason: 'not-an-operator',
    });
    expect(await typesOf(caseId)).not.toContain('readmit.containment.ordered');
    expect(await steps.act('contain', 'gita', caseId)).toMatchObject(done);
    await fact(caseId, 'readmit.revocation.due', ({ says }) => says.startsWith('Revocation due: contained by gita: '));
    await fact(caseId, 'readmit.revocation.confirmed');
  });

  it('distinguishes not found, not ready and not signed in', async () => {
    const steps = stepsFor();
    expect(await steps.act('repudiate', 'ada', 'case_nowhere')).toMatchObject({ signal: steps.signals.notFound, reason: 'case-unknown' });
    expect(await steps.prove('boris', 'case_nowhere', { kind: 'manager-vouch', channel: 'directory' })).toMatchObject({
      signal: steps.signals.conflict,
      rule: 'R8.1',
      reason: 'not-ready',
    });
    expect((await steps.act('repudiate', undefined, 'case_nowhere')).signal).toBe(steps.signals.notSignedIn);
  });
});

it('R5.4 R6.4 repudiation, only by the subject, freezes the case and undoes what it granted', async () => {
  const { caseId } = await granted(http, ada);
  await fact(caseId, 'readmit.notice.sent', ({ says }) => says.startsWith('Notice "executed" sent'));
  const letters = await lettersOf(caseId);
  expect(letters.map(({ to, about }) => [to, about])).toEqual(
    expect.arrayContaining([
      ['ada', 'opened'],
      ['ada', 'executed'],
    ]),
  );
  expect(await cli.act('repudiate', 'mallory', caseId)).toMatchObject({ signal: 4, rule: 'R5.4', reason: 'not-the-subject' });
  expect(await typesOf(caseId)).not.toContain('readmit.case.frozen');
  expect(await cli.act('repudiate', 'ada', caseId)).toMatchObject(done);
  await fact(caseId, 'readmit.case.frozen');
  await fact(caseId, 'readmit.revocation.due', ({ says }) => says.startsWith('Revocation due: the case is frozen'));
  await fact(caseId, 'readmit.revocation.confirmed');
  expect(await fact(caseId, 'readmit.case.closed')).toMatchObject({ says: 'Case closed as frozen.' });
});

interface Letter {
  readonly id: string;
  readonly to: string;
  readonly about: string;
  readonly text: string;
}
async function lettersOf(caseId: string): Promise<readonly Letter[]> {
  const response = await fetch(`${system.issuer}/demo/mailbox`, { headers: { accept: 'application/json' } });
  return ((await response.json()) as { letters: Letter[] }).letters.filter(({ text }) => text.includes(caseId));
}

describe('an issued secret', () => {
  it('R2.6 is never mailed, and only the recipient can fetch and open it', async () => {
    const { caseId } = await granted(http, ada);
    const target = `/api/execution/cases/${caseId}/secret`;
    for (const person of ['boris', 'chidi', 'gita'])
      expect(await http.outcome('GET', target, person)).toMatchObject({ signal: 401, reason: 'proof-missing' });
    const stranger = newCaseKey();
    expect(await http.outcome('GET', target, stranger)).toMatchObject({ signal: 404, reason: 'nothing-to-pick-up' });
    const own = http.keys.get(caseId);
    if (!own) throw new Error('the case has no key');
    const { body } = await http.outcome('GET', target, own);
    const jwe = String(body['jwe']);
    await expect(compactDecrypt(jwe, createPrivateKey({ key: stranger.sealing, format: 'jwk' }))).rejects.toMatchObject({
      code: 'ERR_JWE_DECRYPTION_FAILED',
    });
    const { plaintext } = await compactDecrypt(jwe, createPrivateKey({ key: own.sealing, format: 'jwk' }));
    const { code } = JSON.parse(new TextDecoder().decode(plaintext)) as { code: string };
    expect(code.length).toBeGreaterThan(8);
    await fact(caseId, 'readmit.notice.sent', ({ says }) => says.startsWith('Notice "executed" sent'));
    const letters = await lettersOf(caseId);
    expect(letters.length).toBeGreaterThanOrEqual(2);
    for (const { text } of letters) {
      const rest = text.replaceAll(caseId, '').replace(/--code [A-Z0-9-]+/, '');
      expect(rest).not.toContain(code);
      // Apart from the id of the case and the code that can only end it, there is no digit, link or address.
      expect(rest).not.toMatch(/\d|:\/\/|www\.|@/);
    }
    for (const seen of [`/api/approval/cases/${caseId}`, `/api/execution/cases/${caseId}`, `/api/intake/cases/${caseId}/timeline`])
      expect(await (await http.call('GET', seen, 'chidi')).text()).not.toContain(code);
    await http.act('end', undefined, caseId);
    await fact(caseId, 'readmit.case.closed');
  });

  it('R5.1 depends on the ask: bypass, replacement after loss and reset have different steps', async () => {
    const stepsOf = async (kind: string): Promise<readonly string[]> => {
      const { caseId } = await http.open({ ...ada, ask: { ...ada.ask, kind } });
      await fact(caseId, 'readmit.plan.proposed');
      const { body } = await http.outcome('GET', `/api/execution/cases/${caseId}`, 'boris');
      await http.act('withdraw', undefined, caseId);
      return (body['plan'] as { steps: { kind: string }[] }).steps.map((step) => step.kind);
    };
    expect(await stepsOf('factor.bypass')).toEqual(['bypass.issue']);
    expect(await stepsOf('factor.replace')).toEqual(['factor.remove', 'sessions.end']);
    expect(await stepsOf('factor.reset')).toEqual(['factor.remove', 'sessions.end', 'bypass.issue']);
    const unknown = { ...ada, ask: { ...ada.ask, kind: 'factor.anything' } };
    await expect(http.open(unknown)).rejects.toThrow('/body/asks/0/kind');
  });
});

it('R4.2 R4.3 the inbox shows each person only what waits for them, until it is done', async () => {
  const todos = async (persona: string, of: string): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await readmit(system, persona, ['inbox', '--json', '--limit', '100']);
    if (code !== 0) throw new Error(`readmit inbox of ${persona} exited with ${code}: ${stderr}`);
    const { todos: all } = JSON.parse(stdout) as { todos: readonly { what: string; caseId: string; run: string }[] };
    return all.filter(({ caseId }) => caseId === of).map(({ what, run }) => `${what}: ${run.replace(of, 'it')}`);
  };
  const overHttp = async (persona: string, of: string): Promise<readonly string[]> => {
    const { body } = await http.outcome('GET', '/api/approval/inbox?limit=100', persona);
    return (body['items'] as readonly { what: string; caseId: string }[]).filter(({ caseId }) => caseId === of).map(({ what }) => what);
  };
  const { caseId, code } = await cli.open(ada);
  await until(async () => (await overHttp('boris', caseId)).length > 0, { what: 'the case waits for proofs' });
  expect(await todos('boris', caseId)).toEqual(['evidence: readmit case contacts it']);
  expect(await todos('nobody', caseId)).toEqual(['code: readmit case show it']);
  for (const persona of ['chidi', 'dana', 'ada-admin', 'mallory', 'gita'])
    expect([persona, await overHttp(persona, caseId)]).toEqual([persona, []]);
  await http.prove('boris', caseId, { kind: 'call-back', channel: 'phone', contact: await http.phone('boris', caseId), code });
  await http.prove('boris', caseId, { kind: 'manager-vouch', channel: 'directory' });
  expect(await todos('chidi', caseId)).toEqual(['decision: readmit approve it --reason "..."']);
  for (const persona of ['boris', 'dana', 'ada-admin', 'mallory', 'gita'])
    expect([persona, await overHttp(persona, caseId)]).toEqual([persona, []]);
  expect(await http.decide('chidi', caseId, 'approve')).toMatchObject(done);
  expect(await overHttp('chidi', caseId)).toEqual([]);
  await fact(caseId, 'readmit.execution.succeeded');
  expect(await todos('nobody', caseId)).toEqual(['secret: readmit secret pick-up it']);
  await readmit(system, 'nobody', ['case', 'end', caseId, '--reason', 'by hand']);
  for (const invalid of ['case_1', '2026-13-01T00:00:00.000Z/case_1', '1999-01-01T00:00:00.000Z/case_1'])
    expect(await http.outcome('GET', `/api/approval/inbox?after=${encodeURIComponent(invalid)}`, 'chidi')).toMatchObject({
      signal: 400,
      reason: 'invalid-request',
    });
  expect(await http.outcome('GET', '/api/approval/inbox', {})).toMatchObject({ signal: 401 });
});

it('R3.5 knowledge questions cannot be recorded and SMS is not a channel', async () => {
  const { caseId } = await http.open(erin);
  await fact(caseId, 'readmit.plan.proposed');
  const contact = await http.phone('boris', caseId);
  const refused = async (evidence: { kind: string; channel: string }, where: string): Promise<void> => {
    const outcome = await http.prove('boris', caseId, { ...evidence, contact });
    expect([outcome.signal, JSON.stringify(outcome.body['errors'])]).toEqual([400, expect.stringContaining(where)]);
  };
  await refused({ kind: 'knowledge-questions', channel: 'phone' }, '/body/kind');
  await refused({ kind: 'call-back', channel: 'sms' }, '/body/channel');
  await refused({ kind: 'call-back', channel: 'email' }, '/body/channel');
  expect((await readmit(system, 'boris', ['evidence', 'add', caseId, '--kind', 'knowledge-questions', '--channel', 'phone'])).code).toBe(2);
  expect(await typesOf(caseId)).not.toContain('readmit.evidence.added');
  expect(await http.prove('boris', caseId, { kind: 'call-back', channel: 'phone', contact })).toMatchObject(done);
  await http.act('withdraw', 'erin', caseId);
});

it('R9.1 every classification names version and digest of the policy, every decision its digest, and the activated document has that digest', async () => {
  const { caseId } = await granted(http, erin);
  await http.act('end', 'erin', caseId);
  const file = parseYaml(await readFile(path.join(workspace, 'deploy/policies/default.yaml'), 'utf8')) as { version: string };
  const digestOf = (value: unknown): string =>
    createHash('sha256')
      .update(canonicalize(value) ?? '')
      .digest('hex');
  const policy = { version: file.version, digest: digestOf(file) };
  const classified = await eventsOf('classification', 'readmit.case.classified', caseId);
  expect(classified.map((data) => data['policy'])).toEqual([policy]);
  const decisions = (await eventsOf('approval', 'readmit.decision.recorded', caseId)) as {
    decision: { statement: { policyDigest: string } };
  }[];
  expect(decisions.map(({ decision }) => decision.statement.policyDigest)).toEqual([policy.digest, policy.digest]);
  const [activated] = await eventsOf('classification', 'readmit.policy.activated', 'policy');
  expect(activated).toMatchObject(policy);
  expect(digestOf(activated?.['document'])).toBe(policy.digest);
  expect(digestOf({ ...file, directoryMaxAgeSeconds: 1 })).not.toBe(policy.digest);
});

/** Events on a service's topic, read with audit's role. */
async function eventsOf(service: string, type: string, key: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const store = await openStore({
    url: (await lootOf(system.stateDir)).databaseUrls.audit,
    schema: 'audit',
    applicationName: 'journey',
    poolSize: 1,
  });
  try {
    const table = `bus.readmit_${service}_v1`;
    const rows = await store.query(`SELECT value FROM ${table} WHERE key = $1 AND headers->>'ce_type' = $2 ORDER BY "offset"`, [key, type]);
    return (rows as { value: Buffer }[]).map(({ value }) => JSON.parse(value.toString('utf8')) as Record<string, unknown>);
  } finally {
    await store.close();
  }
}
