/**
 * A target system in memory with the interface of real connectors: it stores who holds which role, whose bypass is open and which logins a
 * machine has, and every grant ever made. Sometimes it fails, and then it is unknown whether a call had an effect.
 */
import { TargetError, type Connector } from '@readmit/connectors';
import type { Ask, Facet, Plan, Step, Undo } from '@readmit/contracts';
import { secretHold, type PlanParts } from '@readmit/domain';
import { crypto } from './cast.js';

/** Something that was granted at the target; the run is judged by it. */
export interface Given {
  readonly thing: string;
  readonly caseId: string;
  readonly plan: Plan;
  readonly at: Date;
  /** When the target would end it by itself. */
  readonly expiresAt: Date;
}
/** Something that was removed for the case. */
export interface Taken {
  readonly thing: string;
  readonly caseId: string;
  readonly at: Date;
}

type Kind = 'role' | 'bypass' | 'login';

export class Target {
  readonly given: Given[] = [];
  readonly taken: Taken[] = [];
  /** Things with their identity, which differs each time that a thing is created. */
  private readonly things = new Map<string, number>([['login:payroll_a', 1]]);
  private readonly issuedFor = new Map<string, string>();
  private lastIdentity = 1;
  /** Whether grants are used: the person enrolled a factor, the consumer uses the new login. */
  used = false;

  constructor(
    private readonly now: () => Date,
    private readonly random: () => number,
    /** Chance that a call fails. */
    public unreliable = 0.1,
  ) {}

  has = (thing: string): boolean => this.things.has(thing);

  private create(thing: string, given: Omit<Given, 'thing' | 'at'>): void {
    if (thing.startsWith('bypass:') && this.has(thing) && this.issuedFor.get(thing) !== given.caseId)
      throw new TargetError('there is a bypass of another case', 'none', 'changed');
    if (!this.has(thing)) this.things.set(thing, ++this.lastIdentity);
    this.issuedFor.set(thing, given.caseId);
    this.given.push({ thing, ...given, at: this.now() });
  }

  private facets(ask: Pick<Ask, 'kind' | 'object' | 'entitlement'>): Facet[] {
    return thingsOf(ask).map((thing) => ({ name: thing, value: this.things.has(thing) ? 'there' : 'absent' }));
  }

  /** Half of the failures occur after the action: the caller does not learn that it was done. */
  private async unreliably<T>(act: () => T): Promise<T> {
    const chance = this.random();
    if (chance < this.unreliable / 2) throw new TargetError('the target is away', 'none', 'unreachable');
    const result = act();
    if (chance < this.unreliable) throw new TargetError('the target did not respond', 'unknown', 'timeout');
    return Promise.resolve(result);
  }

  readonly connector: Connector = {
    name: 'target',
    capabilities: {
      asks: ['role.restore', 'factor.bypass', 'secret.reissue', 'secret.rotate'],
      can: ['read-back', 'end-sessions', 'one-time-credential'],
      residualSeconds: 0,
    },
    plan: (ask, { durationSeconds, overlapSeconds, recipients }) =>
      this.unreliably(() => {
        const to = recipients.map(({ fingerprint }) => fingerprint);
        if (ask.kind !== 'role.restore' && to.length === 0) throw new TargetError('there is no key to seal it to', 'none', 'refused');
        return { ...partsOf(ask, durationSeconds, overlapSeconds, to, this.has), before: this.facets(ask) };
      }),
    read: (ask) => this.unreliably(() => this.facets(ask)),
    execute: (step, { caseId, plan, expiresAt }) =>
      this.unreliably(() => {
        const thing = thingOf(step);
        this.create(thing, { caseId, plan, expiresAt });
        return {
          after: [{ name: thing, value: 'there' }],
          sealed: step.recipients.map((recipient) => ({ recipient, jwe: `sealed for ${caseId}` })),
          made: [{ name: thing.slice(0, thing.indexOf(':')), value: String(this.things.get(thing)) }],
        };
      }),
    undo: (undo, { caseId }) =>
      this.unreliably(() => {
        const thing = thingOf(undo);
        // A bypass belongs to one case; a role is one membership, whichever case asked for it.
        const mine = undo.kind !== 'bypass.close' || this.issuedFor.get(thing) === caseId;
        if (mine && this.things.delete(thing)) this.taken.push({ thing, caseId, at: this.now() });
        return { readBack: [{ name: thing, value: this.has(thing) ? 'there' : 'absent' }], sessionsEnded: 1 };
      }),
    observe: (plan) =>
      this.unreliably(() => {
        if (!this.used) return [];
        return plan.steps.map(({ kind, object }) =>
          kind === 'bypass.issue' ? { object, enrolled: { factor: 'totp-2' } } : { object, takenOver: true },
        );
      }),
    check: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}

const kindOf = (kind: string): Kind => (kind.startsWith('role.') ? 'role' : kind.startsWith('secret.') ? 'login' : 'bypass');

function thingOf({ kind, object, entitlement }: Pick<Step | Undo, 'kind' | 'object' | 'entitlement'>): string {
  const of = kindOf(kind);
  if (of === 'login') return `login:${object === 'payroll' ? 'payroll_b' : object}`;
  return of === 'role' ? `role:${object}/${entitlement ?? 'none'}` : `bypass:${object}`;
}
const thingsOf = (ask: Pick<Ask, 'kind' | 'object' | 'entitlement'>): string[] =>
  ask.kind.startsWith('secret.')
    ? ['login:payroll_a', 'login:payroll_b']
    : [thingOf({ ...ask, kind: ask.kind as unknown as Step['kind'] })];

/** The plan for the ask, with identities and holds like those of real connectors. */
function partsOf(
  ask: Ask,
  durationSeconds: number,
  overlapSeconds: number,
  recipients: string[],
  has: (thing: string) => boolean,
): Omit<PlanParts, 'before'> {
  const at = { connector: ask.connector, object: ask.object, ...(ask.entitlement === undefined ? {} : { entitlement: ask.entitlement }) };
  const none = { removes: [], restores: [`what ${ask.object} had`], untouched: ['password'] };
  const touches = thingsOf(ask);
  const [first = ''] = touches;
  if (ask.kind === 'secret.reissue' || ask.kind === 'secret.rotate') {
    if (has('login:payroll_b')) throw new TargetError('the other login is in use', 'none', 'refused');
    const hold = secretHold(crypto, ask.connector, ask.object);
    const undo = (object: string, armedBy: 'start' | 'success', unlessTakenOver: boolean) => ({
      ...{ kind: 'secret.destroy' as const, connector: ask.connector, object, armedBy, unlessTakenOver, hold },
      ...{ afterSeconds: overlapSeconds, identity: [{ name: 'login', value: object }], says: `destroy ${object}` },
    });
    return {
      ...none,
      steps: [
        { ...at, kind: 'secret.issue', recipients, says: 'issue', identity: [{ name: 'account', value: ask.object }], hold, touches },
      ],
      obligations: [undo('payroll_b', 'start', true), undo('payroll_a', 'success', false)],
    };
  }
  const role = ask.kind === 'role.restore';
  const hold = `${ask.connector}/${role ? 'role.grant' : 'bypass'}/${ask.object}/${ask.entitlement ?? ''}`;
  const identity = [{ name: 'account', value: ask.object }];
  return {
    ...none,
    steps: [
      { ...at, kind: role ? 'role.grant' : 'bypass.issue', recipients: role ? [] : recipients, says: 'give', identity, hold, touches },
    ],
    obligations: [
      {
        ...{ ...at, kind: role ? 'role.revoke' : 'bypass.close', armedBy: 'start', unlessTakenOver: false, afterSeconds: durationSeconds },
        ...{ says: `take back ${first}`, identity, hold },
      },
    ],
  };
}
