/** People's part of a case: somebody asks, an agent adds two proofs, an approver signs. As many cases at a time as asked for. */
import { engineCrypto } from '@readmit/signing';
import type { Engine } from '@readmit/runtime';
import type { Fact, ServiceName } from '@readmit/contracts';
import { addEvidence, codeOf, contactDigests, decide, draft } from '@readmit/domain';
import { Hands } from './hands.js';
import { approver, digestOf, verifier, type People } from './people.js';
import type { Installation } from './six-services.js';
import { simulatedTarget } from './simulated-target.js';

/** Where people turn to: who plays a part of the cases has a part of the services. */
export type Desk = Installation & { readonly engines: Readonly<Partial<Record<'intake' | 'approval', Engine>>> };

export class Cases {
  begun = 0;
  ended = 0;
  readonly outcomes = new Map<string, number>();
  private readonly underWay = new Set<string>();
  private readonly hands = new Hands((error) => this.fail?.(error));
  private desk: Desk | undefined;
  private finish: (() => void) | undefined;
  private fail: ((error: unknown) => void) | undefined;
  private onEnd: ((ended: number, caseId: string) => void) | undefined;
  private total = 0;
  private refill = true;
  /** Of cases of which only the class or only the plan has reached approval. */
  private readonly halves = new Map<string, Fact>();
  private readonly people: People;

  constructor(people: People) {
    this.people = people;
  }

  /** Plays the part of people until `total` cases have ended; `onEnd` is told after each. At most `atOnce` are under way; 0: the caller opens them. */
  async run(
    desk: Desk,
    options: { readonly total: number; readonly atOnce: number; readonly onEnd: (ended: number, caseId: string) => void },
  ): Promise<void> {
    this.desk = desk;
    this.total = options.total;
    this.onEnd = options.onEnd;
    const done = new Promise<void>((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
    this.refill = options.atOnce > 0;
    for (let index = 0; index < Math.min(options.atOnce, options.total); index++) this.open();
    await done;
  }

  /** Of the pipeline: what a person would see on a screen and act on. */
  onFact(service: ServiceName, key: string, fact: Fact): void {
    if (service === 'approval') {
      if (fact.type === 'readmit.case.classified' || fact.type === 'readmit.plan.proposed') this.provable(key, fact);
      else if (fact.type === 'readmit.approval.requested') this.hands.act(() => this.approve(key, fact.data));
      // A grant that does not count is not made, and the case would wait for its deadline.
      else if (fact.type === 'readmit.approval.refused')
        this.fail?.(new Error(`${key} is not granted: ${fact.data.reason} (${fact.data.says})`));
    }
    // Where cases are opened, and nowhere else when services have a process each, is known which are under way.
    if (service !== 'intake' || !this.underWay.has(key)) return;
    if (fact.type === 'readmit.plan.refused' || fact.type === 'readmit.execution.failed')
      this.fail?.(new Error(`${key} ended without a grant: ${fact.data.reason} (${fact.data.says})`));
    else if (fact.type === 'readmit.case.closed') {
      this.underWay.delete(key);
      this.outcomes.set(fact.data.outcome, (this.outcomes.get(fact.data.outcome) ?? 0) + 1);
      this.ended++;
      this.onEnd?.(this.ended, key);
      if (this.ended === this.total) this.finish?.();
      else if (this.refill && this.begun < this.total) this.open();
    }
  }

  /** The next case is asked for. */
  open(): void {
    const index = this.begun++;
    const caseId = `case-${index}`;
    const subject = this.people.subject(index);
    this.underWay.add(caseId);
    this.hands.act(() =>
      this.command('intake', caseId, 'open-case', 'anonymous', (engine) =>
        engine.command(
          { key: caseId, name: 'open-case', actor: 'anonymous', rows: [{ salt: 'bench', reason: 'my phone is gone' }] },
          () => ({
            emit: [
              draft('readmit.case.opened', caseId, {
                caseId,
                asks: [{ id: 'ask-1', kind: 'factor.reset', connector: simulatedTarget, object: subject }],
                subject: { kind: 'person', id: subject },
                requester: { kind: 'anonymous' },
                reasonCode: 'lost-device',
                reasonDigest: digestOf('my phone is gone'),
                durationSeconds: 600,
                caseKey: this.people.caseKey,
              }),
            ],
            reply: {},
          }),
        ),
      ),
    );
  }

  /** The class has what the code is made of, the plan what is asked for; each comes on a topic of its own, in any order. */
  private provable(key: string, fact: Fact): void {
    const first = this.halves.get(key);
    if (first === undefined) {
      this.halves.set(key, fact);
      return;
    }
    this.halves.delete(key);
    const classified = [first, fact].find((one) => one.type === 'readmit.case.classified');
    this.hands.act(() => this.prove(key, classified?.data.codeNonce));
  }

  private async prove(caseId: string, nonce: string | undefined): Promise<void> {
    const subject = this.people.subject(Number(caseId.slice('case-'.length)));
    const contact = contactDigests(this.people.directory, subject, caseId, this.desk?.salt ?? '', engineCrypto)[0]?.digest;
    const words = { note: 'checked', salt: 'bench' };
    const proofs: Parameters<typeof addEvidence>[1][] = [
      {
        kind: 'call-back',
        channel: 'phone',
        assurance: 2,
        contact,
        code: nonce === undefined ? undefined : codeOf(nonce, this.people.caseKey.fingerprint, engineCrypto),
        ...words,
      },
      { kind: 'manager-vouch', channel: 'in-person', assurance: 2, ...words },
    ];
    for (const proof of proofs)
      await this.command('approval', caseId, 'add-evidence', verifier, (engine) =>
        engine.command(
          {
            key: caseId,
            name: 'add-evidence',
            actor: verifier,
            rows: [{ caseId, salt: 'bench', note: 'checked' }],
          },
          addEvidence(verifier, proof),
        ),
      );
  }

  private async approve(caseId: string, request: Extract<Fact, { type: 'readmit.approval.requested' }>['data']): Promise<void> {
    const { statement, proof } = this.people.decide({
      caseId,
      planDigest: request.planDigest,
      evidenceDigest: request.evidenceDigest,
      policyDigest: this.desk?.policyDigest ?? '',
      decidedAt: new Date().toISOString(),
      nonce: request.nonce,
    });
    await this.command('approval', caseId, 'decide', approver, (engine) =>
      engine.command({ key: caseId, name: 'decide', actor: approver }, decide(approver, statement, proof)),
    );
  }

  private async command(
    service: 'intake' | 'approval',
    caseId: string,
    name: string,
    actor: string,
    send: (engine: Engine) => ReturnType<Engine['command']>,
  ): Promise<void> {
    const engine = this.desk?.engines[service];
    if (!engine) throw new Error(`this is a bug: a command to ${service}, which is not here`);
    const answer = await send(engine);
    if ('refused' in answer)
      throw new Error(`${name} by ${actor} for ${caseId} was refused: ${answer.refused.reason} (${answer.refused.message})`);
  }
}
