/** What intake consumes: all that its ledger and the timeline of a case show. */
import { describe, expect, it } from '@jest/globals';
import { catalogue, entryOf, eventTypes } from '@readmit/contracts';
import { intakeProcess } from './intake.process.js';

describe('intake', () => {
  it('consumes every event of a case and every refusal of the other services, but not what audit records of them', () => {
    const ofOthers = eventTypes.filter((type) => entryOf(type).producer !== 'intake' && type !== 'readmit.audit.recorded');
    const shown = ofOthers.filter((type) => 'caseId' in catalogue[type].fields || type.endsWith('.refused'));
    expect([...intakeProcess.consumes].sort()).toEqual([...shown].sort());
  });
});
