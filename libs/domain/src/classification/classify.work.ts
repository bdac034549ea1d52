import { draft } from '../kernel/behaviour.js';
import type { Finished, WorkRules } from '../kernel/work.js';
import { attest } from './attest.js';
import { classify, type DirectoryFacts } from './classify.js';
import { contactDigests } from './contact-digests.js';
import { allowedAge, nextTry, type DirectoryReading } from './directory-age.js';
import type { ActivePolicy } from './policy.commands.js';
import type { ClassificationEvents } from './classification.facts.js';

/** What is drawn for one case. */
export interface DrawnCode {
  /** Absent for a case without a key: there is nothing to read out. */
  readonly codeNonce?: string;
  /** Other cases of the subject that were opened with the same key, the latest first. */
  readonly sameKey: readonly string[];
}

/**
 * Classifies by the directory. A directory that is down, refused or too old keeps the case waiting: nobody can be attested from nothing (R1.6).
 * `salt`: of contact digests.
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
    const known: DirectoryFacts = { known: true, directory: outcome.directory, digest: outcome.digest, ageSeconds };
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
          // What can be called (R3.4): a letter box on record is none, and a digest no longer tells its kind.
          contacts: contactDigests(outcome.directory, opened.data.subject.id, caseId, salt, context.crypto)
            .filter((contact) => contact.kind !== 'email')
            .map((contact) => contact.digest),
        }),
      ],
    };
  },
});

/** Whoever lost access once needs no key in several cases. */
const sameKeyReasons = (cases: readonly string[]) =>
  cases.length === 0
    ? []
    : [
        {
          rule: 'R3.4',
          says: `The same key asked before for the same subject, in ${cases.join(', ')}: whoever holds it holds all of them.`.slice(0, 500),
        },
      ];
