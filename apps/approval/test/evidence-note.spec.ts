/** Texts of proofs are stored only in approval's own table, with one statement for any number. */
import { describe, expect, it } from '@jest/globals';
import { engineCrypto } from '@readmit/signing';
import type { Change } from '@readmit/runtime';
import { Facts, proofDigest } from '@readmit/domain';
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
  await approvalDefinition.save?.(tx, changes as readonly Change[], new Date(0));
  return sent;
}
const proof = (evidenceId: string, note: string) => {
  const words = { kind: 'ticket' as const, channel: 'ticket-system' as const, assurance: 2 };
  const at = '2026-11-22T09:00:00.000Z';
  const digest = proofDigest({ ...words, by: 'boris', at, note, salt: 'salt' }, engineCrypto);
  const data = { evidenceId, ...words, collectedBy: 'boris', collectedAt: at, digest };
  return { id: `event_${evidenceId}`, type: 'readmit.evidence.added', at, data };
};
const evidence = (caseId: string) => ({
  key: caseId,
  facts: new Facts([]),
  added: [proof(`evidence_${caseId}`, `called ${caseId}`)],
  rows: [{ caseId, salt: 'salt', note: `called ${caseId}` }],
});

describe('texts of proofs', () => {
  it('are stored in the service’s table, by the id of the proof, and are not in the fact', async () => {
    const change = evidence('case_1');
    const [statement] = await saved([change]);
    expect(statement?.sql).toContain('INSERT INTO evidence_note');
    expect(statement?.parameters).toEqual([['evidence_case_1'], ['case_1'], ['salt'], ['called case_1']]);
    expect(JSON.stringify(change.added)).not.toContain('called');
  });

  it('belong to the proof with their digest, whatever else is in the transaction', async () => {
    const both = {
      ...evidence('case_1'),
      added: [proof('evidence_2', 'the second'), proof('evidence_1', 'the first')],
      rows: ['of a refused one', 'the first', 'the second'].map((note) => ({ caseId: 'case_1', salt: 'salt', note })),
    };
    const [statement, more] = await saved([both]);
    expect(statement?.parameters?.slice(0, 1)).toEqual([['evidence_2', 'evidence_1']]);
    expect(statement?.parameters?.at(3)).toEqual(['the second', 'the first']);
    expect(more).toBeUndefined();
  });

  it('take one statement for 1 and for 500 cases, and none when no proof was added', async () => {
    for (const size of [1, 500]) expect(await saved(Array.from({ length: size }, (_, index) => evidence(`case_${index}`)))).toHaveLength(1);
    expect(await saved([{ ...evidence('case_1'), added: [] }])).toEqual([]);
  });
});
