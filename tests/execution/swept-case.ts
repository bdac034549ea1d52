/** A case at a real target, for the sweep: planned, carried out and ended by its connector, with the facts that execution would have. */
import type { Connector } from '@readmit/connectors';
import type { Ask, EventData, EventType, Fact, Facet, Plan, RecipientKey, Undo } from '@readmit/contracts';
import { instant } from '@readmit/domain';
import { planFrom } from '../../libs/connectors/test/postgres-target.js';
import { TestExecution } from './test-execution.js';

const signal = new AbortController().signal;

export class SweptCase {
  private readonly execution: TestExecution;
  private readonly facts: Fact[] = [];
  private constructor(
    private readonly connector: Connector,
    readonly ask: Ask,
    readonly plan: Plan,
    readonly caseId: string,
  ) {
    this.execution = new TestExecution(connector);
  }

  /** Restores what is asked for. */
  static async restored(connector: Connector, ask: Ask, recipients: readonly RecipientKey[] = [], caseId = 'case_1') {
    const ceiling = {
      steps: ['role.grant' as const, 'factor.remove' as const, 'sessions.end' as const, 'bypass.issue' as const, 'secret.issue' as const],
      entitlements: ask.entitlement === undefined ? [] : [ask.entitlement],
      maxDurationSeconds: 900,
    };
    const parts = await connector.plan(ask, { ceiling, durationSeconds: 900, overlapSeconds: 300, recipients }, signal);
    const plan = { ...planFrom(ask, parts), caseId };
    const swept = new SweptCase(connector, ask, plan, caseId);
    const digest = 'd'.repeat(64);
    swept.record('readmit.plan.proposed', { caseId, planId: 'plan_1', plan, digest });
    swept.record('readmit.execution.started', {
      caseId,
      executionId: 'execution_1',
      planDigest: digest,
      grantId: 'grant_1',
      endsAt: instant(new Date(swept.execution.now.getTime() + 900_000)),
      holds: [],
    });
    const after: Facet[] = [];
    const sealed: string[] = [];
    for (const step of plan.steps) {
      const expiresAt = new Date(Date.now() + 900_000);
      const result = await connector.execute(step, { caseId, recipients, expiresAt, plan }, signal);
      after.push(...result.after);
      sealed.push(...result.sealed.map(({ jwe }) => jwe));
    }
    swept.record('readmit.execution.succeeded', { caseId, executionId: 'execution_1', planDigest: digest, after, sealed: [] });
    const { connector: at, object } = ask;
    swept.execution.ask(caseId, {
      id: 'sweep',
      kind: 'sweep',
      connector: at,
      object,
      notBefore: swept.execution.now,
      alsoKeys: [],
      input: {},
    });
    return { swept, sealed };
  }

  /** What the case owes is undone, and the target read back. */
  async end(which: (undo: Undo) => boolean = ({ armedBy }) => armedBy !== 'repudiation'): Promise<void> {
    for (const undo of this.plan.obligations.filter(which)) {
      const { readBack, sessionsEnded } = await this.connector.undo(undo, { caseId: this.caseId, plan: this.plan }, signal);
      const { id: obligationId } = undo;
      this.record('readmit.revocation.confirmed', {
        caseId: this.caseId,
        obligationId,
        how: 'undone',
        readBack: [...readBack],
        sessionsEnded,
      });
    }
  }

  /** What the watch reports. */
  async watch(): Promise<void> {
    for (const { object, enrolled } of await this.connector.observe(this.plan, { caseId: this.caseId }, signal))
      if (enrolled)
        this.record('readmit.enrolment.confirmed', { caseId: this.caseId, connector: this.connector.name, object, ...enrolled });
  }

  /** The findings that the sweep raises now, and those that it clears. */
  async sweep(): Promise<readonly string[]> {
    const seen = this.execution.emitted.length;
    for (let reading = 0; reading < 2; reading++) {
      if ((await this.execution.run('sweep')) !== 'again') throw new Error('the sweep has ended');
      this.execution.wait(5);
    }
    return this.execution.emitted.slice(seen).map((fact) => {
      if (fact.type === 'readmit.finding.cleared') return `cleared ${fact.data.facet}`;
      if (fact.type !== 'readmit.finding.raised') return fact.type;
      return `${fact.data.power} ${fact.data.facet}: ${fact.data.was} -> ${fact.data.is}`;
    });
  }

  private record<T extends EventType>(type: T, data: EventData<T>): void {
    this.execution.wait(1);
    const fact = { id: `event_${this.facts.length}`, type, at: instant(this.execution.now), data } as Fact;
    this.facts.push(fact);
    this.execution.change(this.caseId, (known) => [...known, fact]);
    this.execution.wait(1);
  }
}
