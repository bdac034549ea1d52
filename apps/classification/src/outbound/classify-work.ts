import type { DirectorySnapshot } from '@readmit/signing';
import type { Finished, WorkHandler } from '@readmit/runtime';
import { attest, classify, say, type DirectoryFacts } from '@readmit/domain';
import { allowedAge, nextTry } from './allowed-age.js';
import type { CodePort, DrawnCode } from './case-codes.js';
import { contactDigests, type DirectoryPort } from './directory.js';
import type { ActivePolicy } from './policy-file.js';

/** Asks the directory and classifies. A directory that is down, refused or too old keeps the case waiting: nobody can be attested from nothing (R1.6). */
export const classifyWork = (
  directory: DirectoryPort,
  policy: ActivePolicy,
  salt: string,
  codes: CodePort,
): WorkHandler<DirectorySnapshot & { readonly code: DrawnCode }> => ({
  begin: (_work, facts) => ({ go: !facts.has('readmit.case.classified'), emit: [] }),
  async call(work, facts, signal) {
    const snapshot = await directory.read(signal);
    const opened = facts.first('readmit.case.opened');
    if (!opened) throw new Error(`this is a bug: ${work.id} without a request`);
    // The request is on record, its key with it: only now may the code be drawn (R3.4).
    return { ...snapshot, code: await codes.draw(opened.data) };
  },
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
        say('readmit.case.classified', caseId, {
          ...classified,
          ...(codeNonce === undefined ? {} : { codeNonce }),
          reasons: [...classified.reasons, ...sameKeyReasons(sameKey)],
        }),
        say('readmit.people.attested', caseId, {
          caseId,
          directory: { digest: outcome.digest, issuedAt: outcome.issuedAt, ageSeconds },
          ...attest(opened.data, classified, outcome.directory),
          // What can be called (R3.4): a letter box on record is none, and a digest no longer tells its kind.
          contacts: contactDigests(outcome.directory, opened.data.subject.id, caseId, salt)
            .filter((contact) => contact.kind !== 'email')
            .map((contact) => contact.digest),
        }),
      ],
    };
  },
});

/** One key for several cases is nothing that somebody needs who lost access once. */
const sameKeyReasons = (cases: readonly string[]) =>
  cases.length === 0
    ? []
    : [
        {
          rule: 'R3.4',
          says: `The same key asked before for the same subject, in ${cases.join(', ')}: whoever holds it holds all of them.`.slice(0, 500),
        },
      ];
