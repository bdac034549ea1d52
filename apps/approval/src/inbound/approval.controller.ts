import { randomBytes } from 'node:crypto';
import type { Commands } from '@readmit/runtime';
import {
  addEvidence,
  approvalState,
  attestedOf,
  decide,
  decidedIn,
  evidenceDigest,
  instant,
  requestAttestation,
  mayReadCase,
  needsOf,
  planOf,
  refsOf,
  refusal,
  requestFor,
  attestationStatus,
  withdraw,
  type Crypto,
  type Facts,
  type RecordedRefusal,
  type CommandRefusal,
} from '@readmit/domain';
import { answer, refused, Serves, type Actor, type AnswerOf, type Call } from '@readmit/service';
import type { Store } from '@readmit/store';
import { Controller, Inject } from '@nestjs/common';
import { notesOf, type EvidenceNote } from '../outbound/evidence-notes.js';

type View = AnswerOf<'showApproval'>;
export interface ApprovalPorts {
  readonly commands: Commands;
  readonly store: Pick<Store, 'query'>;
  readonly crypto: Crypto;
  readonly publicUrl: string;
  readonly now: () => Date;
}
export const approvalPorts = Symbol('ApprovalPorts');

/** The same whether the case does not exist, is not known yet, or may not be read by this person: a stranger learns nothing. */
const notReady = (): CommandRefusal =>
  refusal(
    'not-ready',
    'R8.1',
    'not-ready',
    'This service knows no such case that you may see. If it was opened just now, or this is your first look at it, try again in a moment.',
  );

@Controller()
export class ApprovalController {
  constructor(@Inject(approvalPorts) private readonly ports: ApprovalPorts) {}

  @Serves('showApproval')
  async show(call: Call<'showApproval'>): Promise<AnswerOf<'showApproval'>> {
    const { caseId } = call.params;
    const facts = await this.readable(caseId, call.actor);
    const now = this.ports.now();
    const state = approvalState(facts, now, this.ports.crypto);
    const classified = facts.last('readmit.case.classified');
    const evidence = proofsIn(facts);
    const planned = planOf(facts);
    const open = state.name === 'waiting-for-decisions' || state.name === 'waiting-for-evidence' ? state : undefined;
    const request = open ? requestFor(facts, open.basis) : facts.last('readmit.approval.requested');
    const people = attestedOf(facts)?.people ?? [];
    const requester = facts.first('readmit.case.opened')?.data.requester ?? { kind: 'anonymous' as const };
    const [policy, proofs] = await Promise.all([classified ? this.policy(classified.data.policy) : null, this.proofs(caseId, evidence)]);
    return {
      caseId,
      version: facts.size,
      state: state.name,
      plan: planned?.data.plan ?? null,
      planDigest: planned?.data.digest ?? null,
      evidenceDigest: evidenceDigest(refsOf(evidence), this.ports.crypto),
      policyDigest: classified?.data.policy.digest ?? null,
      policy,
      requester: { ...requester, known: people.some(({ id }) => id === requester.id) },
      nonce: request?.data.nonce ?? null,
      decideBefore: open ? instant(open.decideBefore) : null,
      needs: needsOf(facts, state, now, this.ports.crypto),
      evidence: proofs,
      decisions: decidedIn(facts, state).map((fact) => fact.data.decision),
    };
  }

  @Serves('addEvidence')
  async evidence(call: Call<'addEvidence'>): Promise<AnswerOf<'addEvidence'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? 'anonymous';
    const salt = randomBytes(16).toString('base64url');
    const note: EvidenceNote = { caseId, salt, note: call.body.note };
    const { evidenceId } = given(
      answer(
        await this.ports.commands.command(
          { key: caseId, name: 'add-evidence', actor, rows: [note], ifVersion: call.ifMatch },
          addEvidence(actor, { ...call.body, salt }),
        ),
      ),
    );
    return { caseId, evidenceId, link: this.link(caseId) };
  }

  @Serves('decide')
  async decide(call: Call<'decide'>): Promise<AnswerOf<'decide'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? 'anonymous';
    const { decisionId } = given(
      answer(
        await this.ports.commands.command(
          { key: caseId, name: call.body.statement.decision, actor, ifVersion: call.ifMatch },
          decide(actor, call.body.statement, call.body.proof),
        ),
      ),
    );
    return { caseId, decisionId, link: this.link(caseId) };
  }

  @Serves('withdraw')
  async withdraw(call: Call<'withdraw'>): Promise<AnswerOf<'withdraw'>> {
    const { caseId } = call.params;
    const opened = (await this.ports.commands.facts(caseId)).first('readmit.case.opened');
    if (!opened) throw refused(notReady());
    // Anyone can make a key: a request with a stranger's key is noise, and must not grow the record of the case.
    if (!call.actor && opened.data.caseKey?.signing.x !== call.proof?.signing.x)
      throw refused(refusal('not-found', 'R8.1', 'case-unknown', 'This service knows of no case of this key.'));
    answer(
      await this.ports.commands.command(
        { key: caseId, name: 'withdraw', actor: call.actor?.id ?? 'case-key', ifVersion: call.ifMatch },
        withdraw({ person: call.actor?.id, caseKey: call.proof?.signing.x }),
      ),
    );
    return { caseId, link: this.link(caseId) };
  }

  /** Facts of a case that the caller may read. For a caller who may be in one of its teams, an attestation is requested, once. */
  private async readable(caseId: string, actor: Actor | undefined): Promise<Facts> {
    const facts = await this.ports.commands.facts(caseId);
    if (actor && mayReadCase(facts, actor)) return facts;
    if (actor && facts.has('readmit.case.opened') && attestationStatus(facts, actor.id) === 'unasked')
      await this.ports.commands.command({ key: caseId, name: 'look', actor: actor.id }, requestAttestation(actor.id));
    throw refused(notReady());
  }

  /** The document is sent with its digest, so that the approver's own machine can check that it is what is signed (R4.10). */
  private async policy({ version, digest }: { readonly version: string; readonly digest: string }): Promise<View['policy']> {
    const activated = (await this.ports.commands.facts('policy')).of('readmit.policy.activated');
    return { version, digest, document: activated.find(({ data }) => data.digest === digest)?.data.document ?? null };
  }

  /**
   * Each proof with everything that its digest covers. The plan in the same response shows fingerprints of recipient keys; a code cannot be
   * computed from those alone, since its nonce is shown only to the holder of the case's key (R3.4).
   */
  private async proofs(caseId: string, evidence: ReturnType<typeof proofsIn>): Promise<View['evidence']> {
    const notes = await notesOf(this.ports.store, caseId);
    return evidence.map(({ data }) => ({
      id: data.evidenceId,
      digest: data.digest,
      kind: data.kind,
      channel: data.channel,
      assurance: data.assurance,
      note: notes.get(data.evidenceId)?.note ?? null,
      salt: notes.get(data.evidenceId)?.salt ?? null,
      ...(data.contact === undefined ? {} : { contact: data.contact }),
      ...(data.code === undefined ? {} : { code: data.code }),
      by: data.collectedBy,
      at: data.collectedAt,
      staleAt: data.staleAt,
    }));
  }

  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/approval/cases/${caseId}`;
  }
}

const proofsIn = (facts: Facts) => facts.of('readmit.evidence.added');

/** The reply of a command, or its refusal, which may come with events. */
function given<R extends object>(reply: R | RecordedRefusal): R {
  if ('refusal' in reply) throw refused(reply.refusal);
  return reply;
}
