import { draft } from '../kernel/behaviour.js';
import type { Finished, WorkRules } from '../kernel/work.js';
import { attest } from './attest.js';
import { classify, type DirectoryFacts } from './classify.js';
import { contactDigests } from './contact-digests.js';
import { allowedAge, nextTry, type DirectoryReading } from './directory-age.js';
import type { ActivePolicy } from './policy.commands.js';
import type { ClassificationEvents } from './classification.facts.js';

/** Generated for one case. */
export interface DrawnCode {
  /** Nonce of the read-back code; absent for a case without a key. */
  readonly codeNonce?: string;
  /** Other cases of the subject that were opened with the same key, latest first. */
  readonly sameKey: readonly string[];
}

/**
 * Classifies a case by the directory. While the directory is unavailable, invalid or too old, the case waits: without it
 * nobody can be attested (R1.6). `salt`: of contact digests.
 */
export const classifyWork = (
  policy: ActivePolicy,
  salt: string,
): WorkRules<DirectoryReading & { readonly code: DrawnCode }, ClassificationEvents> => ({
  begin: (_work, facts) => ({ go: !facts.has('readmit.case.classified'), emit: [] }),
  finish(work, outcome, facts, context): Finished {
    const opened = facts.first('readmit.case.opened');
    if (!opened || facts.has('readmit.case.classified')) return { emit: [] };
    const retryAt = nextTry(context.now, work.tries);
    if ('error' in outcome) return { emit: [], retryAt };
    const ageSeconds = allowedAge(outcome, context.now, policy.document.directoryMaxAgeSeconds);
    if (ageSeconds === undefined) return { emit: [], retryAt };
    const { directory, digest, live } = outcome;
    const known: DirectoryFacts = { known: true, directory, digest, ageSeconds, ...(live ? { live } : {}) };
    const classified = classify(opened.data, known, policy);
    const { codeNonce, sameKey } = outcome.code;
    const caseId = work.key;
    return {
      emit: [
        draft('readmit.case.classified', caseId, {
          ...classified,
          ...(codeNonce === undefined ? {} : { codeNonce }),
          reasons: [...classified.reasons, ...sameKeyReasons(sameKey)],
        }),
        draft('readmit.people.attested', caseId, {
          caseId,
          directory: { digest: outcome.digest, issuedAt: outcome.issuedAt, ageSeconds },
          ...attest(opened.data, classified, outcome.directory),
          // Only contact points that can be called (R3.4): the kind cannot be told from a digest.
          contacts: contactDigests(outcome.directory, opened.data.subject.id, caseId, salt, context.crypto)
            .filter((contact) => contact.kind !== 'email')
            .map((contact) => contact.digest),
        }),
      ],
    };
  },
});

/** A person who lost access needs one case for one key; several are suspicious. */
const sameKeyReasons = (cases: readonly string[]) =>
  cases.length === 0
    ? []
    : [
        {
          rule: 'R3.4',
          says: `The same key opened other cases of this subject, in ${cases.join(', ')}: its holder controls all of them.`.slice(0, 500),
        },
      ];
