import type { Finished, WorkHandler } from '@readmit/bus';
import { attest, classify, say, type DirectoryFacts } from '@readmit/domain';
import { contactDigests, type DirectoryPort, type DirectorySnapshot } from './directory.js';
import type { ActivePolicy } from './policy-file.js';

/** Asks the directory and classifies. A directory that is down or too old keeps the case waiting: nobody can be attested from nothing (R1.6). */
export const classifyWork = (directory: DirectoryPort, policy: ActivePolicy, salt: string): WorkHandler<DirectorySnapshot> => ({
  begin: (_work, facts) => ({ go: !facts.has('readmit.case.classified'), emit: [] }),
  call: (_work, _facts, signal) => directory.read(signal),
  finish(work, outcome, facts, context): Finished {
    const opened = facts.first('readmit.case.opened');
    if (!opened || facts.has('readmit.case.classified')) return { emit: [] };
    const again = new Date(context.now.getTime() + Math.min(30, 2 ** (work.tries - 1)) * 1000);
    if ('error' in outcome) return { emit: [], retryAt: again };
    const ageSeconds = Math.max(0, Math.floor((context.now.getTime() - Date.parse(outcome.issuedAt)) / 1000));
    if (ageSeconds > policy.document.directoryMaxAgeSeconds) return { emit: [], retryAt: again };
    const known: DirectoryFacts = { known: true, directory: outcome.directory, digest: outcome.digest, ageSeconds };
    const classified = classify(opened.data, known, policy);
    const caseId = work.key;
    return {
      emit: [
        say('readmit.case.classified', caseId, classified),
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
