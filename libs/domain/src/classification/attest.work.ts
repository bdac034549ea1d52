import type { FactOf } from '@readmit/contracts';
import { attestedOf, maxAttestationRequests } from '../decision-proof/attested.js';
import { draft } from '../kernel/behaviour.js';
import type { Finished, WorkRules } from '../kernel/work.js';
import { attestOne } from './attest.js';
import { allowedAge, nextTry, type DirectoryReading } from './directory-age.js';
import type { ActivePolicy } from './policy.commands.js';
import type { ClassificationEvents, ClassificationFacts } from './classification.facts.js';

/** Requests for people who are not attested yet, earliest first. Limited to what approval may request, in case its key was stolen. */
export function toAttest(facts: ClassificationFacts): readonly FactOf<'readmit.attestation.wanted'>[] {
  return facts
    .of('readmit.attestation.wanted')
    .slice(0, maxAttestationRequests)
    .filter(({ data }) => !isAttested(facts, data.person));
}

const isAttested = (facts: ClassificationFacts, person: string): boolean =>
  facts.of('readmit.people.attested').some(({ data }) => data.people.some(({ id }) => id === person));

/** Attests one person who acts on the case and was not attested with it, from a directory that is recent enough for the policy. */
export const attestWork = (policy: ActivePolicy): WorkRules<DirectoryReading, ClassificationEvents> => ({
  begin: (work, facts) => ({ go: !isAttested(facts, String(work.input['person'])), emit: [] }),
  finish(work, outcome, facts, context): Finished {
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    const person = String(work.input['person']);
    if (!opened || !classified || isAttested(facts, person)) return { emit: [] };
    const retryAt = nextTry(context.now, work.tries);
    if ('error' in outcome) return { emit: [], retryAt };
    const ageSeconds = allowedAge(outcome, context.now, policy.document.directoryMaxAgeSeconds);
    if (ageSeconds === undefined) return { emit: [], retryAt };
    // Another process has read a newer directory: an attestation from this one would not count, and the person would wait forever.
    const newest = attestedOf(facts)?.directory.issuedAt;
    if (newest !== undefined && outcome.issuedAt < newest) return { emit: [], retryAt };
    const caseId = work.key;
    return {
      emit: [
        draft('readmit.people.attested', caseId, {
          caseId,
          directory: { digest: outcome.digest, issuedAt: outcome.issuedAt, ageSeconds },
          ...attestOne(person, opened.data, classified.data, outcome.directory),
          contacts: [],
        }),
      ],
    };
  },
});
