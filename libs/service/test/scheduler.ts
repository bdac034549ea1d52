import type { Engine, Parked } from '@readmit/runtime';
import { Facts, type Context, type CommandRefusal } from '@readmit/domain';
import { BearerVerifier } from '@readmit/signing';
import { Controller, type Type } from '@nestjs/common';
import { ProofVerifier } from '../src/http/case-proof.js';
import { Instruments } from '../src/http/instruments.js';
import { createHttp } from '../src/http/server.js';
import { answer, createLog, currentTraceparent, Serves, type AnswerOf, type Call } from '../src/index.js';

const parkedMessage: Parked = {
  id: 'parked-1',
  topic: 'readmit.intake.v1',
  partition: 0,
  offset: '7',
  key: 'case_1',
  eventId: null,
  type: null,
  reason: 'bad-signature',
  says: 'The signature is wrong.',
  parkedAt: '2026-11-22T10:00:00.000Z',
  state: 'parked',
};

/** An engine that keeps what was commanded; its clock, database and bus are the spec's variables. */
export class FakeEngine implements Engine {
  readonly service = 'revocation-scheduler' as const;
  readonly counters = { batches: 3, messages: 12, statements: 9, commits: 3, events: 5, parked: 1 };
  readonly refusals: { readonly name: string; readonly actor: string; readonly refusal: CommandRefusal }[] = [];
  readonly commanded: { readonly name: string; readonly actor: string; readonly traceparent: string | undefined }[] = [];
  readonly settled: string[] = [];
  lag = 0;
  ready = true;
  started = false;
  broken: Error | undefined;
  refusal: CommandRefusal | undefined;
  readonly parked: Engine['parked'] = {
    list: async () => [parkedMessage],
    show: async (id) => (id === parkedMessage.id ? parkedMessage : undefined),
    settle: async (id, action, by) => {
      this.settled.push(`${id} ${action} ${by}`);
      return id === parkedMessage.id ? { ...parkedMessage, state: action === 'redrive' ? 'redriven' : 'discarded' } : undefined;
    },
  };
  command: Engine['command'] = async (options, command) => {
    if (this.broken) throw this.broken;
    const result = this.refusal ?? command(new Facts([]), {} as Context);
    if (result.refused) {
      this.refusals.push({ name: options.name, actor: options.actor, refusal: result });
      return { refused: result };
    }
    this.commanded.push({ name: options.name, actor: options.actor, traceparent: currentTraceparent() });
    return { reply: result.reply };
  };
  facts = async () => new Facts([]);
  refuse: Engine['refuse'] = async (about, refusal) => void (await this.command(about, () => refusal));
  start = async () => {
    this.started = true;
  };
  stop = async () => {
    this.started = false;
  };
  progress = async () => {
    if (this.broken) throw this.broken;
    return {
      ready: this.ready,
      lag: this.lag,
      lastBatchAt: null,
      workWaiting: 2,
      parked: 1,
      says: this.ready ? 'keeps up' : 'behind and not moving',
    };
  };
}

/** Controllers of the scheduler: it has a route of nearly every access. */
export function schedulerControllers(engine: Pick<Engine, 'command'>, calls: Call[] = []): readonly Type[] {
  @Controller()
  class SchedulerController {
    @Serves('showObligations')
    async showObligations(call: Call<'showObligations'>): Promise<AnswerOf<'showObligations'>> {
      calls.push(call);
      return call.params.caseId === 'case_wrong' ? ([{ nonsense: true }] as unknown as AnswerOf<'showObligations'>) : [];
    }
    @Serves('listOverdue')
    async listOverdue(): Promise<AnswerOf<'listOverdue'>> {
      return [];
    }
    @Serves('showOrders')
    async showOrders(): Promise<AnswerOf<'showOrders'>> {
      return [];
    }
    @Serves('endEarly')
    async endEarly(call: Call<'endEarly'>): Promise<AnswerOf<'endEarly'>> {
      calls.push(call);
      const { caseId } = call.params;
      return answer(
        await engine.command({ key: caseId, name: 'endEarly', actor: call.actor?.id ?? 'case-key' }, () => ({
          emit: [],
          reply: { caseId, link: `/api/revocation/cases/${caseId}` },
        })),
      );
    }
    @Serves('contain')
    async contain(call: Call<'contain'>): Promise<AnswerOf<'contain'>> {
      calls.push(call);
      const { caseId } = call.params;
      return { caseId, link: `/api/revocation/cases/${caseId}` };
    }
    @Serves('containSubject')
    async containSubject(call: Call<'containSubject'>): Promise<AnswerOf<'containSubject'>> {
      calls.push(call);
      return { subject: call.params.subjectId, cases: [] };
    }
  }
  return [SchedulerController];
}

export interface TestService {
  readonly engine: FakeEngine;
  readonly calls: Call[];
  readonly lines: string[];
  readonly http: Awaited<ReturnType<typeof createHttp>>;
}
/** The scheduler's HTTP side over a fake engine. */
export async function startScheduler(
  issuer: string,
  options: { readonly perAddress?: number; readonly perActor?: number; readonly now?: () => Date } = {},
): Promise<TestService> {
  const engine = new FakeEngine();
  const calls: Call[] = [];
  const lines: string[] = [];
  const now = options.now ?? (() => new Date());
  const log = createLog({ service: 'revocation-scheduler', level: 'trace', secrets: [], write: (line) => void lines.push(line) });
  const instruments = new Instruments('revocation-scheduler', log);
  const http = await createHttp({
    service: 'revocation-scheduler',
    area: 'revocation',
    engine,
    controllers: schedulerControllers(engine, calls),
    providers: [],
    log,
    instruments,
    scrape: () => instruments.scrape({ engine, store: { query: async () => [] } }),
    bearer: new BearerVerifier({ issuer, audience: 'readmit-api', now }),
    stepUp: { acrValues: ['phr', 'gold'], maxAgeSeconds: 300 },
    now,
    proofs: new ProofVerifier(now),
    signalProviders: ['demo-idp'],
    trustedProxies: [],
    limits: { perAddress: options.perAddress ?? 10_000, perActor: options.perActor ?? 10_000 },
    checkAnswers: true,
    draining: () => false,
  });
  return { engine, calls, lines, http };
}
