/**
 * Execution's real definition without database and bus: events come in, its rules and work handlers run like in the engine, under the same keys,
 * and the target is simulated. Proves nothing about real targets.
 */
import type { Connector, StepResult, UndoResult } from '@readmit/connectors';
import { keyOf, type Draft, type EventData, type EventType, type Fact, type Facet } from '@readmit/contracts';
import { Facts, instant, draft, type Begun, type Capabilities, type WorkDraft } from '@readmit/domain';
import { SimulatedServices } from '../../libs/domain/test/simulated-services.js';
import type { ServiceDefinition } from '@readmit/runtime';
import { executionDefinition } from '../../apps/execution/src/execution.definition.js';
import { begin, finish, newRow, tryOnce, type Surroundings, type WorkRow } from './try-once.js';

/** A simulated target with one facet for each kind of ask. It carries out steps, and fails or shows more if a spec says so. */
export class SimulatedTarget implements Connector {
  readonly name = 'target';
  readonly capabilities: Capabilities = {
    asks: ['role.restore', 'secret.reissue'],
    can: ['read-back', 'end-sessions'],
    residualSeconds: 0,
  };
  readonly state = new Map<string, string>();
  readonly calls: string[] = [];
  readonly ends: Date[] = [];
  /** The `made` argument of each undo. */
  readonly madeInUndo: unknown[] = [];
  /** Runs before each call; an error that it throws is that of the target. */
  before: (call: string) => void = () => undefined;
  /** Facets that a step shows in addition to those it touches. */
  extra: readonly Facet[] = [];

  private called(call: string): void {
    this.calls.push(call);
    this.before(call);
  }
  facet = (name: string): Facet => ({ name, value: this.state.get(name) ?? 'lost' });

  plan: Connector['plan'] = async ({ kind }) => {
    this.called(`plan ${kind}`);
    throw new Error('the plans in these tests come from the simulation');
  };
  read: Connector['read'] = async ({ kind }) => {
    this.called(`read ${kind}`);
    return [this.facet(`${kind}:state`)];
  };
  execute: Connector['execute'] = async (step, { caseId, expiresAt }): Promise<StepResult> => {
    this.called(`execute ${step.kind} ${caseId}`);
    this.ends.push(expiresAt);
    for (const name of step.touches ?? []) this.state.set(name, 'given');
    return {
      after: [...(step.touches ?? []).map(this.facet), ...this.extra],
      sealed: [],
      made: [{ name: 'membership', value: `of ${caseId}` }],
    };
  };
  undo: Connector['undo'] = async (undo, { caseId, made }): Promise<UndoResult> => {
    this.called(`undo ${undo.kind} ${caseId}`);
    this.madeInUndo.push(made);
    const name = undo.kind === 'role.revoke' ? 'role.restore:state' : 'secret.reissue:state';
    this.state.set(name, 'lost');
    return { readBack: [this.facet(name)], sessionsEnded: 1 };
  };
  observe: Connector['observe'] = () => Promise.resolve([]);
  check: Connector['check'] = () => Promise.resolve([]);
  close = (): Promise<void> => Promise.resolve();
}

export const sweep = { everySeconds: 60, afterCloseSeconds: 86_400 } as const;

export class TestExecution {
  /** Its cases are granted but not started: audit records nothing, so the gate stays closed. */
  readonly services = new SimulatedServices();
  readonly target: SimulatedTarget;
  readonly emitted: Fact[] = [];
  readonly rows = new Map<string, WorkRow>();
  private readonly facts = new Map<string, Facts>();
  private readonly definition: ServiceDefinition;
  /** Called before each call of a step, in place of the query whether the work was cancelled. */
  still: () => boolean = () => true;

  /** `connector`: a real target in place of the simulated one. */
  constructor(connector: Connector = new SimulatedTarget()) {
    this.services.auditUp = false;
    this.target = connector instanceof SimulatedTarget ? connector : new SimulatedTarget();
    this.definition = executionDefinition(new Map([[connector.name, connector]]), { watchEveryMs: 1000, sweep });
  }

  laneOf = (kind: string): string | undefined => this.definition.work[kind]?.lane;
  get now(): Date {
    return this.services.now;
  }
  wait(seconds: number): void {
    this.services.now = new Date(this.now.getTime() + seconds * 1000);
  }

  /** A case that asks for the role and is approved, with the facts that execution has. */
  granted(kind: 'role.restore' | 'secret.reissue' = 'role.restore'): string {
    const caseId = this.proposed(kind);
    this.services.prove(caseId, 'boris', kind === 'role.restore' ? 'call-back' : 'owner-confirmation');
    this.services.decide(caseId, 'chidi');
    this.services.decide(caseId, 'dana');
    if (!this.services.facts('execution', caseId).has('readmit.approval.granted')) throw new Error('the case was not granted');
    this.facts.set(caseId, this.services.facts('execution', caseId));
    return caseId;
  }
  proposed(kind: 'role.restore' | 'secret.reissue' = 'role.restore'): string {
    return kind === 'role.restore'
      ? this.services.open([{ kind, object: 'erin', entitlement: 'app_admin' }], { kind: 'person', id: 'erin' })
      : this.services.open([{ kind, object: 'payroll' }], { kind: 'machine', id: 'svc-payroll' }, 'pat');
  }
  factsOf(key: string): Facts {
    return this.facts.get(key) ?? new Facts([]);
  }
  change(caseId: string, change: (facts: readonly Fact[]) => readonly Fact[]): void {
    this.facts.set(caseId, new Facts(change(this.factsOf(caseId).all)));
  }
  emittedOf<T extends EventType>(type: T, caseId?: string): EventData<T>[] {
    return this.emitted
      .filter((fact) => fact.type === type && (caseId === undefined || ('caseId' in fact.data && fact.data.caseId === caseId)))
      .map((fact) => fact.data as EventData<T>);
  }

  /** An event of another service: it reaches every aggregate that it belongs to. */
  receive(draft: Draft): Fact {
    const fact = this.factOf(draft);
    const keys = this.definition.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)];
    for (const key of keys) this.join(key, fact);
    for (const key of keys) this.react(key);
    return fact;
  }
  due(caseId: string, obligation = 1, more: Partial<EventData<'readmit.revocation.due'>> = {}): Fact {
    const obligationId = `${caseId}/obligation-${obligation}`;
    const proposed = this.factsOf(caseId)
      .last('readmit.plan.proposed')
      ?.data.plan.obligations.find(({ id }) => id === obligationId);
    return this.receive(
      draft('readmit.revocation.due', caseId, {
        caseId,
        obligationId,
        cause: 'expiry',
        ...(proposed?.hold === undefined ? {} : { hold: proposed.hold }),
        ...more,
      }),
    );
  }

  /** Starts the restoration as if audit had recorded everything. */
  async restore(caseId: string): Promise<'done' | 'waits' | 'again'> {
    const id = `${caseId}/restore`;
    const plan = this.factsOf(caseId).last('readmit.plan.proposed')?.data.plan;
    const holds = [...new Set(plan?.steps.flatMap(({ hold }) => hold ?? []))];
    this.ask(caseId, {
      id,
      kind: 'restore',
      connector: 'target',
      object: 'erin',
      notBefore: this.now,
      alsoKeys: [...holds.map((hold) => `hold:${hold}`), ...(plan?.asks ?? []).map((ask) => `account:${ask.connector}/${ask.object}`)],
      input: {},
    });
    return this.run(id);
  }
  /** Runs a piece of work once; calls `begin` again at once if it needs more aggregates. */
  async run(id: string): Promise<'done' | 'waits' | 'again'> {
    const row = this.rowOf(id);
    if (row.state !== 'waiting') throw new Error(`${id} is ${row.state} instead of waiting`);
    for (let tries = 0; tries < 5; tries++) {
      const tried = await tryOnce(row, this.surroundings);
      if (tried === 'lost') throw new Error('this is a bug: no worker is killed here');
      if (tried !== 'later') return tried;
      if (row.notBefore > this.now) return 'waits';
    }
    throw new Error(`${id} does not start`);
  }
  begin(id: string): Begun {
    const row = this.rowOf(id);
    for (let tries = 0; tries < 5; tries++) {
      const begun = begin(row, this.surroundings);
      if (begun.go !== 'later' || begun.alsoKeys === undefined) return begun;
      row.alsoKeys = begun.alsoKeys;
    }
    throw new Error(`${id} does not start`);
  }
  finish(id: string, error: Error): 'done' | 'again' {
    return finish(this.rowOf(id), { error }, this.surroundings);
  }
  private rowOf(id: string): WorkRow {
    const row = this.rows.get(id);
    if (!row) throw new Error(`there is no work ${id}; ${[...this.rows.keys()].join(', ')}`);
    return row;
  }
  private get surroundings(): Surroundings {
    return {
      handlers: this.definition.work,
      now: () => this.now,
      look: ({ key, alsoKeys }) => ({
        facts: this.factsOf(key),
        context: {
          ...this.services.context('execution', key),
          work: new Set(this.rows.keys()),
          other: (other) => (alsoKeys.includes(other) ? this.factsOf(other) : new Facts([])),
        },
      }),
      emit: ({ key, alsoKeys }, drafts) => {
        for (const draft of drafts) {
          const fact = this.factOf(draft);
          this.emitted.push(fact);
          for (const one of this.definition.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)])
            if ([key, ...alsoKeys].includes(one)) this.join(one, fact);
        }
        this.react(key);
      },
      still: () => this.still(),
      meanwhile: () => {},
      lost: () => false,
    };
  }
  ask(key: string, draft: WorkDraft): void {
    if (!this.rows.has(draft.id)) this.rows.set(draft.id, newRow(draft, key));
  }

  private factOf(draft: Draft): Fact {
    return { id: this.services.newId('event'), type: draft.type, at: instant(this.now), data: draft.data } as Fact;
  }
  private join(key: string, fact: Fact): void {
    this.facts.set(key, this.factsOf(key).with([fact]));
  }
  private react(key: string): void {
    for (let round = 0; round < 10; round++) {
      const context = { ...this.services.context('execution', key), work: new Set(this.rows.keys()) };
      const { emit, work, cancel } = this.definition.react(this.factsOf(key), context);
      for (const draft of work ?? []) this.ask(key, draft);
      for (const id of cancel ?? []) {
        const row = this.rows.get(id);
        if (row?.state === 'waiting') row.state = 'cancelled';
      }
      if (emit.length === 0) return;
      for (const draft of emit) {
        const fact = this.factOf(draft);
        this.emitted.push(fact);
        this.join(key, fact);
      }
    }
    throw new Error(`the reactions of ${key} do not end`);
  }
}

export const only = <T>(found: readonly T[]): T => {
  const [one] = found;
  if (one === undefined || found.length > 1) throw new Error(`expected one, found ${found.length}`);
  return one;
};
