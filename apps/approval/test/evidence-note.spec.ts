/** The words of a proof are kept with the service that collected it, in one statement however many there are. */
import { describe, expect, it } from '@jest/globals';
import type { Change } from '@readmit/bus';
import { Facts } from '@readmit/domain';
import type { Tx } from '@readmit/store';
import { approvalDefinition } from '../src/approval.definition.js';

async function saved(changes: readonly unknown[]) {
  const sent: { sql: string; parameters: readonly unknown[] | undefined }[] = [];
  const tx: Tx = {
    query: async (sql, parameters) => {
      sent.push({ sql, parameters });
      return [];
    },
  };
  await approvalDefinition.save?.(tx, changes as readonly Change[]);
  return sent;
}
const evidence = (caseId: string) => ({
  key: caseId,
  facts: new Facts([]),
  added: [
    { id: `event_${caseId}`, type: 'readmit.evidence.added', at: '2026-11-22T09:00:00.000Z', data: { evidenceId: `evidence_${caseId}` } },
  ],
  rows: [{ caseId, salt: 'salt', note: `called ${caseId}` }],
});

describe('words of proofs', () => {
  it('go to the table of the service, by the id of the proof, and are nowhere in the fact', async () => {
    const change = evidence('case_1');
    const [statement] = await saved([change]);
    expect(statement?.sql).toContain('INSERT INTO evidence_note');
    expect(statement?.parameters).toEqual([['evidence_case_1'], ['case_1'], ['salt'], ['called case_1']]);
    expect(JSON.stringify(change.added)).not.toContain('called');
  });

  it('R3.1 cost one statement for 1 and for 500 cases, and none when no proof was added', async () => {
    for (const size of [1, 500]) expect(await saved(Array.from({ length: size }, (_, index) => evidence(`case_${index}`)))).toHaveLength(1);
    expect(await saved([{ ...evidence('case_1'), added: [] }])).toEqual([]);
  });
});
