/** The closed lists of asks and steps, the ceiling, and plans within it. */
import {
  askKinds,
  capabilities,
  caseClasses,
  catalogue,
  OpenCase,
  stepKinds,
  type CaseClass,
  type EventData,
  type Plan,
} from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { crypto, SimulatedServices } from '../../test/simulated-services.js';
import { buildPlan, type AskParts } from './build-plan.js';
import { stepsOfClass } from '../kernel/restorations.js';
import { aboveCeiling } from './ceiling.js';

const everything = { asks: askKinds, can: capabilities, residualSeconds: 0 };
const ajv = new Ajv2020({ strict: false });
const writable = ajv.compile(catalogue['readmit.plan.proposed'].schema);
const askable = ajv.compile(OpenCase);

function proposed(): { plan: Plan; data: EventData<'readmit.plan.proposed'>; classified: EventData<'readmit.case.classified'> } {
  const services = new SimulatedServices();
  services.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' });
  const data = services.emitted('readmit.plan.proposed')[0]?.data;
  const classified = services.emitted('readmit.case.classified')[0]?.data;
  if (!data || !classified) throw new Error('no plan was proposed');
  return { plan: data.plan, data, classified };
}

describe('an old secret', () => {
  it('R2.3 cannot be asked for, planned or undone back to life: the closed lists hold nothing that enables', () => {
    const words = [...askKinds, ...stepKinds];
    expect(words.filter((word) => /enable|reactivat|restore-secret|unrevoke|secret\.restore/.test(word))).toEqual([]);
    expect(askKinds.filter((kind) => kind.startsWith('secret.'))).toEqual(['secret.rotate', 'secret.reissue']);
    expect(stepKinds.filter((kind) => kind.startsWith('secret.'))).toEqual(['secret.issue']);
  });

  it('R2.3 a plan with a step of another kind is refused by the schema, by place; the control is taken', () => {
    const { data } = proposed();
    expect(writable(data)).toBe(true);
    for (const kind of ['secret.enable', 'secret.reactivate', 'role.enable']) {
      const steps = data.plan.steps.map((step) => ({ ...step, kind }));
      expect(writable({ ...data, plan: { ...data.plan, steps } })).toBe(false);
      expect(ajv.errorsText(writable.errors)).toContain('/plan/steps/0/kind must be equal to one of the allowed values');
    }
  });

  it('R2.3 a request to enable one is refused by the schema; to reissue it is taken', () => {
    const body = (kind: string) => ({
      asks: [{ kind, connector: 'target', object: 'payroll' }],
      subject: { kind: 'machine', id: 'svc-payroll' },
      reasonCode: 'secret-dead',
      reason: 'it expired',
      durationSeconds: 600,
    });
    expect([askable(body('secret.reissue')), askable(body('secret.enable'))]).toEqual([true, false]);
    expect(askable.errors?.[0]).toMatchObject({ instancePath: '/asks/0/kind', keyword: 'enum' });
  });
});

describe('the end of a grant', () => {
  it('R4.5 a request without an end, or with an end that is no time at all, is refused by the schema', () => {
    const body = {
      asks: [{ kind: 'role.restore', connector: 'target', object: 'erin', entitlement: 'app_admin' }],
      subject: { kind: 'person', id: 'erin' },
      reasonCode: 'role-lost',
      reason: 'locked out',
    };
    expect(askable({ ...body, durationSeconds: 600 })).toBe(true);
    expect(askable(body)).toBe(false);
    expect(ajv.errorsText(askable.errors)).toContain("must have required property 'durationSeconds'");
    for (const durationSeconds of [0, -1, null, 'always'])
      expect([durationSeconds, askable({ ...body, durationSeconds })]).toEqual([durationSeconds, false]);
  });

  it('R4.5 a request above the ceiling is refused by the plan, at the second', () => {
    const { plan, classified } = proposed();
    const most = classified.ceiling.maxDurationSeconds;
    const judge = (durationSeconds: number) => aboveCeiling({ ...plan, durationSeconds }, classified.class, classified.ceiling);
    expect(judge(most)).toBeUndefined();
    expect(judge(most + 1)).toMatchObject({ rule: 'R4.5', reason: 'duration-above-ceiling' });
  });
});

describe('a request that no plan can serve', () => {
  const refusals = (object: string, id: string, durationSeconds?: number) => {
    const services = new SimulatedServices();
    services.open([{ kind: 'role.restore', object, entitlement: 'app_admin' }], { kind: 'person', id }, 'pat', durationSeconds);
    return services.emitted('readmit.plan.refused').map(({ data: { rule, reason, says } }) => [rule, reason, says]);
  };

  it('R2.1 is refused in the words of classification, and not for a step that nobody asked for', () => {
    expect(refusals('erin', 'erinn')).toEqual([
      ['R2.1', 'account-not-of-subject', 'Nothing can be restored: the directory does not know the person erinn.'],
    ]);
    expect(refusals('ada', 'erin')).toEqual([
      [
        'R2.1',
        'account-not-of-subject',
        'Nothing can be restored: the directory does not name target/ada as an account of erin (it names target/erin).',
      ],
    ]);
    expect(refusals('erin', 'erin')).toEqual([]);
  });

  it('R4.5 is told how long would be allowed', () => {
    const longest = 3600;
    expect(refusals('erin', 'erin', longest + 1)).toEqual([
      ['R4.5', 'duration-above-ceiling', `At most ${longest} s are allowed. Open a new request with a shorter duration.`],
    ]);
    expect(refusals('erin', 'erin', longest)).toEqual([]);
  });
});

describe('the ceiling', () => {
  it('R2.1 an MFA recovery reaches authentication only, whatever a policy or a ceiling says', () => {
    const { plan, classified } = proposed();
    expect(aboveCeiling(plan, classified.class, classified.ceiling)).toBeUndefined();
    const generous = { ...classified.ceiling, steps: [...stepKinds], entitlements: ['app_admin'] };
    for (const kind of ['role.grant', 'secret.issue'] as const) {
      const more: Plan = { ...plan, steps: plan.steps.map((step) => ({ ...step, kind })) };
      expect(aboveCeiling(more, 'mfa-recovery', generous)).toMatchObject({ rule: 'R2.1', reason: 'plan-above-ceiling' });
    }
  });

  it('R2.1 a policy may take away from what a class reaches, never add to it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...caseClasses),
        fc.subarray([...stepKinds]),
        fc.constantFrom(...stepKinds),
        (caseClass: CaseClass, steps, kind) => {
          const { plan, classified } = control;
          const wanted: Plan = { ...plan, class: caseClass, steps: plan.steps.map((step) => ({ ...step, kind })) };
          const allowed = stepsOfClass(caseClass).includes(kind) && steps.includes(kind);
          expect(aboveCeiling(wanted, caseClass, { ...classified.ceiling, steps }) === undefined).toBe(allowed);
        },
      ),
    );
  });
  const control = proposed();

  it('R2.1 an entitlement that was not asked for is above it', () => {
    const { plan, classified } = control;
    const role = (entitlement: string): Plan => ({
      ...plan,
      class: 'privileged-restoration',
      steps: plan.steps.map((step) => ({ ...step, kind: 'role.grant' as const, entitlement })),
    });
    const ceiling = { ...classified.ceiling, steps: ['role.grant' as const], entitlements: ['app_admin'] };
    expect(aboveCeiling(role('app_admin'), 'privileged-restoration', ceiling)).toBeUndefined();
    expect(aboveCeiling(role('superuser'), 'privileged-restoration', ceiling)?.message).toContain('superuser');
  });

  it('R1.1 a plan of another class than the case is refused', () => {
    const { plan, classified } = control;
    expect(aboveCeiling(plan, 'privileged-restoration', classified.ceiling)).toMatchObject({
      rule: 'R1.1',
      reason: 'plan-of-another-class',
    });
  });
});

describe('a plan', () => {
  const services = new SimulatedServices();
  const caseId = services.open(
    [
      { kind: 'factor.replace', object: 'ada' },
      { kind: 'factor.bypass', object: 'ada' },
    ],
    { kind: 'person', id: 'ada' },
  );
  const opened = services.emitted('readmit.case.opened')[0]?.data;
  const classified = services.emitted('readmit.case.classified')[0];
  const build = (more: readonly Partial<AskParts>[] = [{}]) => {
    if (!opened || !classified) throw new Error('no case');
    const parts = opened.asks.map((ask, index): AskParts => ({
      ask,
      capabilities: everything,
      steps: [{ kind: 'sessions.end', connector: 'target', object: 'ada', recipients: [], says: 'end sessions' }],
      obligations: [],
      removes: ['sessions'],
      restores: ['a way to enrol a factor'],
      untouched: ['password'],
      before: [
        { name: 'factors', value: 'totp' },
        { name: 'bypass', value: 'none' },
      ],
      ...more[index],
    }));
    return buildPlan(opened, classified, [], parts, crypto);
  };
  const built = (more?: readonly Partial<AskParts>[]) => {
    const made = build(more);
    if ('refused' in made) throw new Error(made.refused.message);
    return made;
  };

  it('R2.2 says what is removed, restored and left alone, and does once what two asks want once', () => {
    const { plan } = built();
    expect(plan.steps.map(({ id, kind }) => `${id} ${kind}`)).toEqual(['step-1 sessions.end']);
    expect([plan.removes, plan.restores, plan.untouched]).toEqual([['sessions'], ['a way to enrol a factor'], ['password']]);
    expect(plan).toMatchObject({ caseId, classificationId: classified?.id, durationSeconds: opened?.durationSeconds });
  });

  it('R2.5 binds the state that was read: the order of reading changes nothing, a changed value changes the digest', () => {
    const turned = built([
      {
        before: [
          { name: 'bypass', value: 'none' },
          { name: 'factors', value: 'totp' },
        ],
      },
    ]);
    expect(turned.digest).toBe(built().digest);
    const changed = built([{ before: [{ name: 'factors', value: 'totp passkey' }] }]);
    expect(changed.plan.before.digest).not.toBe(built().plan.before.digest);
    expect(changed.digest).not.toBe(built().digest);
  });

  it('R4.4 has a digest over every word of it', () => {
    const { plan, digest } = built();
    expect(digest).toBe(crypto.digest(plan));
    expect(built([{ untouched: ['password and roles'] }]).digest).not.toBe(digest);
  });

  it('R2.1 R2.2 is refused when it goes above the ceiling, and when nothing is left to do', () => {
    const above = build([{ steps: [{ kind: 'role.grant', connector: 'target', object: 'ada', recipients: [], says: 'grant' }] }]);
    expect(above).toMatchObject({ refused: { rule: 'R2.1', reason: 'plan-above-ceiling' } });
    expect(build([{ steps: [] }, { steps: [] }])).toMatchObject({ refused: { rule: 'R2.2', reason: 'nothing-to-restore' } });
    expect(build()).not.toHaveProperty('refused');
  });

  it('R2.6 is refused when two asks would seal a secret to the same key: the second would replace the first', () => {
    const issuing = (connector: string, key: string) => ({
      steps: [{ kind: 'bypass.issue' as const, connector, object: 'ada', recipients: [key], says: 'issue' }],
    });
    const [one, other] = ['1'.repeat(64), '2'.repeat(64)];
    expect(build([issuing('idp', one), issuing('other-idp', one)])).toEqual({
      refused: {
        rule: 'R2.6',
        reason: 'two-secrets-for-one-key',
        message:
          'bypass.issue of idp/ada and bypass.issue of other-idp/ada would each seal a secret to the same key, but a case has one secret per key. Request them in two cases.',
      },
    });
    expect(build([issuing('idp', one), issuing('other-idp', other)])).not.toHaveProperty('refused');
    expect(build([issuing('idp', one), issuing('idp', one)])).not.toHaveProperty('refused');
  });

  it('R4.5 is refused without a ticket where the policy asks for one', () => {
    if (!opened || !classified) throw new Error('no case');
    const asking = (ticket: boolean, named?: string) =>
      buildPlan(
        { ...opened, ...(named === undefined ? {} : { ticket: named }) },
        { ...classified, data: { ...classified.data, requirements: { ...classified.data.requirements, ticket } } },
        [],
        built().plan.asks.map((ask) => ({ ...nothing, ask, capabilities: everything, steps: [{ ...end, object: ask.object }] })),
        crypto,
      );
    const nothing = { obligations: [], removes: [], restores: [], untouched: [], before: [] };
    const end = { kind: 'sessions.end' as const, connector: 'target', recipients: [], says: 'end sessions' };
    expect(asking(true)).toMatchObject({ refused: { rule: 'R4.5', reason: 'ticket-missing' } });
    expect(asking(true, 'OPS-4711')).not.toHaveProperty('refused');
    expect(asking(false)).not.toHaveProperty('refused');
  });

  it('R2.2 says of very much that stays as it is how much is not listed, and fits', () => {
    const roles = Array.from({ length: 201 }, (_, index) => `ada keeps role ${index}`);
    const { plan } = built([{ untouched: roles }, { untouched: [] }]);
    expect(plan.untouched).toHaveLength(200);
    expect(plan.untouched.slice(-2)).toEqual(['ada keeps role 198', 'and 2 more that are not listed here']);
    expect(built([{ untouched: roles.slice(0, 200) }, { untouched: [] }]).plan.untouched).toEqual(roles.slice(0, 200));
  });

  it('R2.2 has one obligation for what two asks want once', () => {
    const undo = {
      kind: 'role.revoke' as const,
      connector: 'target',
      object: 'ada',
      entitlement: 'app_admin',
      armedBy: 'start' as const,
      unlessTakenOver: false,
      afterSeconds: 600,
      says: 'revoke',
    };
    const ids = (second: Partial<typeof undo>) =>
      built([{ obligations: [undo] }, { obligations: [{ ...undo, ...second }] }]).plan.obligations.map(({ id }) => id);
    expect(ids({})).toEqual([`${caseId}/obligation-1`]);
    expect(ids({ entitlement: 'app_reader' })).toEqual([`${caseId}/obligation-1`, `${caseId}/obligation-2`]);
  });
});
