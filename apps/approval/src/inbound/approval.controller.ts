import { createHash, randomBytes } from 'node:crypto';
import type { Commands } from '@readmit/bus';
import {
  addEvidence,
  approvalState,
  decide,
  decisionsFor,
  instant,
  needsMet,
  planOf,
  quorumProgress,
  refusal,
  withdraw,
  type Crypto,
  type Refusal,
} from '@readmit/domain';
import { answer, refused, Serves, type AnswerOf, type Call } from '@readmit/service';
import { Controller, Inject } from '@nestjs/common';
import type { EvidenceNote } from '../approval.definition.js';

export interface ApprovalPorts {
  readonly commands: Commands;
  readonly crypto: Crypto;
  readonly publicUrl: string;
  readonly now: () => Date;
}
export const approvalPorts = Symbol('ApprovalPorts');

const notReady = (): Refusal =>
  refusal('not-ready', 'R8.1', 'not-ready', 'This service has not heard of the case yet. Try again in a moment.');

@Controller()
export class ApprovalController {
  constructor(@Inject(approvalPorts) private readonly ports: ApprovalPorts) {}

  @Serves('showApproval')
  async show(call: Call<'showApproval'>): Promise<AnswerOf<'showApproval'>> {
    const { caseId } = call.params;
    const facts = await this.ports.commands.facts(caseId);
    if (!facts.has('readmit.case.opened')) throw refused(notReady());
    const now = this.ports.now();
    const state = approvalState(facts, now, this.ports.crypto);
    const classified = facts.last('readmit.case.classified');
    const evidence = facts.of('readmit.evidence.added');
    const planned = planOf(facts);
    const open = state.name === 'waiting-for-decisions' || state.name === 'waiting-for-evidence' ? state : undefined;
    const decided = open ? decisionsFor(facts, open.basis) : facts.of('readmit.decision.recorded');
    const request = facts
      .of('readmit.approval.requested')
      .findLast(
        (fact) => !open || (fact.data.planDigest === open.basis.planDigest && fact.data.evidenceDigest === open.basis.evidenceDigest),
      );
    const approvers = decided
      .filter((fact) => fact.data.decision.statement.decision === 'approve')
      .map((fact) => fact.data.decision.statement.approver);
    return {
      caseId,
      version: facts.all.length,
      state: state.name,
      plan: planned?.data.plan ?? null,
      planDigest: planned?.data.digest ?? null,
      evidenceDigest: open?.basis.evidenceDigest ?? facts.first('readmit.approval.granted')?.data.evidenceDigest ?? null,
      policyDigest: classified?.data.policy.digest ?? null,
      nonce: request?.data.nonce ?? null,
      decideBefore: open ? instant(open.decideBefore) : null,
      needs: {
        evidence: classified ? [...needsMet(classified.data.requirements.evidence, evidence, now)] : [],
        quorum: classified
          ? quorumProgress(classified.data.requirements.quorum, approvers, facts.last('readmit.people.attested')?.data.people ?? []).map(
              ({ part, by }) => ({ part, by: [...by] }),
            )
          : [],
      },
      evidence: evidence.map(({ data }) => ({
        id: data.evidenceId,
        kind: data.kind,
        by: data.collectedBy,
        at: data.collectedAt,
        staleAt: data.staleAt,
        assurance: data.assurance,
      })),
      decisions: decided.map((fact) => fact.data.decision),
    };
  }

  @Serves('addEvidence')
  async evidence(call: Call<'addEvidence'>): Promise<AnswerOf<'addEvidence'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? 'anonymous';
    const salt = randomBytes(16).toString('base64url');
    const note: EvidenceNote = { caseId, salt, note: call.body.note };
    const digest = createHash('sha256')
      .update(this.ports.crypto.canonical({ ...call.body, salt }))
      .digest('hex');
    const { kind, channel, assurance, fingerprint, contact } = call.body;
    const { evidenceId } = answer(
      await this.ports.commands.command(
        { key: caseId, name: 'add-evidence', actor, rows: [note], ifVersion: call.ifMatch },
        addEvidence(actor, { kind, channel, assurance, fingerprint, contact, digest }),
      ),
    );
    return { caseId, evidenceId, link: this.link(caseId) };
  }

  @Serves('decide')
  async decide(call: Call<'decide'>): Promise<AnswerOf<'decide'>> {
    const { caseId } = call.params;
    const actor = call.actor?.id ?? 'anonymous';
    const { decisionId } = answer(
      await this.ports.commands.command(
        { key: caseId, name: call.body.statement.decision, actor, ifVersion: call.ifMatch },
        decide(actor, call.body.statement, call.body.proof),
      ),
    );
    return { caseId, decisionId, link: this.link(caseId) };
  }

  @Serves('withdraw')
  async withdraw(call: Call<'withdraw'>): Promise<AnswerOf<'withdraw'>> {
    const { caseId } = call.params;
    const opened = (await this.ports.commands.facts(caseId)).first('readmit.case.opened');
    if (!opened) throw refused(notReady());
    // Anybody can make a key: what a stranger's key asks for is noise, and must not grow the record of the case.
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

  private link(caseId: string): string {
    return `${this.ports.publicUrl}/api/approval/cases/${caseId}`;
  }
}
