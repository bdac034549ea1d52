/** The people in a run: they open, prove and decide cases. */
import type { AskKind, Draft, EventData } from '@readmit/contracts';
import { codeOf, decide, draft } from '@readmit/domain';
import { pick } from '../fault/random.js';
import { crypto, policy, recipient, sha256, signedBy } from './cast.js';
import type { Installation } from './installation.js';

export interface Signed {
  readonly caseId: string;
  readonly approver: string;
  readonly planDigest: string;
}
/** What a case asks for, and for whom. */
export interface Thing {
  readonly kind: AskKind;
  readonly object: string;
  readonly entitlement?: string;
  readonly subject: EventData<'readmit.case.opened'>['subject'];
}

export const later = (at: Date, seconds: number): Date => new Date(at.getTime() + Math.floor(seconds) * 1000);

/** Honest people, and Mallory who tries to decide. The run is judged by what they signed. */
export class People {
  readonly signed: Signed[] = [];

  constructor(private readonly installation: Installation) {}

  open({ subject, ...ask }: Thing, random: () => number): string {
    const { installation } = this;
    const caseId = `case_${installation.newId()}`;
    const signedIn = subject.kind === 'machine' ? 'pat' : ask.kind === 'role.restore' ? subject.id : undefined;
    const data: EventData<'readmit.case.opened'> = {
      ...{ caseId, asks: [{ ...ask, id: 'ask-1', connector: 'target' }], subject, reasonCode: 'lost-device', reasonDigest: sha256(caseId) },
      ...{
        durationSeconds: pick([120, 300, 900, 3600], random),
        requester: signedIn ? { kind: 'person', id: signedIn } : { kind: 'anonymous' },
      },
      ...(signedIn ? {} : { caseKey: recipient(caseId) }),
    };
    installation.commanded('intake', draft('readmit.case.opened', caseId, data));
    return caseId;
  }

  prove(caseId: string): void {
    const { installation } = this;
    const facts = installation.facts('approval', caseId);
    const [opened, classified] = [facts.first('readmit.case.opened'), facts.first('readmit.case.classified')];
    const attested = facts.first('readmit.people.attested');
    if (!opened || !classified || !attested) return;
    const machine = opened.data.subject.kind === 'machine';
    const { caseKey } = opened.data;
    const contact = attested.data.contacts[0];
    const nonce = classified.data.codeNonce;
    installation.commanded('approval', {
      type: 'readmit.evidence.added',
      key: caseId,
      data: {
        ...{ caseId, evidenceId: `evidence_${installation.newId()}`, kind: machine ? 'owner-confirmation' : 'call-back' },
        ...{ channel: machine ? 'directory' : 'phone', assurance: 2, collectedBy: 'boris' },
        ...{
          collectedAt: installation.now.toISOString(),
          staleAt: later(installation.now, 600).toISOString(),
          digest: sha256(`${caseId} evidence`),
        },
        ...(machine || contact === undefined ? {} : { contact }),
        ...(machine || !caseKey ? {} : { fingerprint: caseKey.fingerprint }),
        ...(machine || !caseKey || nonce === undefined ? {} : { code: codeOf(nonce, caseKey.fingerprint, crypto) }),
      },
    } as Draft);
  }

  /** Signs the current request of approval. Honest people approve only cases of honest people, and all of these are. */
  decide(caseId: string, approver: string): void {
    const { installation } = this;
    const request = installation.facts('approval', caseId).last('readmit.approval.requested');
    if (!request) return;
    const { planDigest, evidenceDigest, nonce } = request.data;
    const statement = {
      ...{ v: 1 as const, caseId, planDigest, evidenceDigest, policyDigest: crypto.digest(policy), decision: 'approve' as const, approver },
      ...{ decidedAt: installation.now.toISOString(), nonce, reason: 'checked' },
    };
    const outcome = installation.command(
      'approval',
      caseId,
      decide(approver, statement, { type: 'software-key', kid: `${approver}-key`, signature: signedBy(approver, statement) }),
    );
    if (outcome.refused === undefined) this.signed.push({ caseId, approver, planDigest });
  }
}
