import type { Draft } from '@readmit/contracts';
import {
  defaultGraceSeconds,
  findingsAhead,
  judgeCase,
  judgeStillHeld,
  plusSeconds,
  type CheckedEvent,
  type Finding,
  type LoggedFact,
  type LoggedRecord,
} from '@readmit/domain';
import type { Tx } from '@readmit/store';
import { logTools } from '../outbound/log-crypto.js';
import { entriesOfKeys, lockLog } from '../outbound/log-store.js';

const maxCases = 50;
const judge = { crypto: logTools.crypto, graceSeconds: defaultGraceSeconds };

/**
 * Checks the cases that are due and returns a ViolationFound for each new finding: audit derives from its own log that every grant ends,
 * and trusts no service about it. Runs in the transaction that appends the drafts.
 */
export async function watchCases(tx: Tx, check: (record: LoggedRecord) => CheckedEvent): Promise<readonly Draft[]> {
  await lockLog(tx);
  const due = await tx.query<{ case_id: string; said: string[]; now: Date }>(
    'SELECT case_id, said, clock_timestamp() AS now FROM case_watch WHERE look_at <= clock_timestamp() ORDER BY look_at LIMIT $1 FOR UPDATE SKIP LOCKED',
    [maxCases],
  );
  const now = due[0]?.now;
  if (!now) return [];
  const read = async (cases: readonly string[]): Promise<ReadonlyMap<string, readonly LoggedFact[]>> => {
    const byCase = new Map<string, LoggedFact[]>(cases.map((caseId) => [caseId, []]));
    for (const { index, record } of cases.length === 0 ? [] : await entriesOfKeys(tx, cases)) {
      const checked = check(record);
      if ('fact' in checked) byCase.get(record.key)?.push({ index, fact: checked.fact });
    }
    return byCase;
  };
  const own = await read(due.map(({ case_id }) => case_id));
  // Cases that are reported to hold what others gave up: their obligations prove it, or do not.
  const holders = await read([...new Set([...own.values()].flat().flatMap(holderOf))].filter((caseId) => !own.has(caseId)));
  const drafts: Draft[] = [];
  const rows = due.map(({ case_id: caseId, said }) => {
    const facts = own.get(caseId) ?? [];
    const news = [
      ...judgeCase(caseId, facts, now, judge),
      ...judgeStillHeld(caseId, facts, (other) => own.get(other) ?? holders.get(other)),
    ].filter((finding) => !said.includes(markOf(finding)));
    for (const finding of news)
      drafts.push({
        type: 'readmit.violation.found',
        key: caseId,
        data: { caseId, rule: finding.rule, says: `${finding.where}: ${finding.why}`.slice(0, 500) },
      });
    return {
      case_id: caseId,
      look_at: nextLook(caseId, facts, said, now)?.toISOString() ?? null,
      said: [...said, ...news.map(markOf)],
    };
  });
  await tx.query(
    `UPDATE case_watch w SET look_at = r.look_at, said = ARRAY(SELECT jsonb_array_elements_text(r.said))
     FROM jsonb_to_recordset($1) AS r (case_id text, look_at timestamptz, said jsonb) WHERE w.case_id = r.case_id`,
    [JSON.stringify(rows)],
  );
  return drafts;
}

const holderOf = ({ fact }: LoggedFact): readonly string[] =>
  fact.type === 'readmit.revocation.confirmed' && fact.data.heldBy ? [fact.data.heldBy.caseId] : [];
const markOf = ({ rule, index }: Finding): string => `${rule} ${index ?? ''}`;

/** When something becomes a violation just by time: an obligation that stays open, a discharge whose proof does not arrive. */
function nextLook(caseId: string, entries: readonly LoggedFact[], said: readonly string[], now: Date): Date | undefined {
  const looks = findingsAhead(caseId, entries, now, judge).filter(({ finding }) => !said.includes(markOf(finding)));
  return looks.map(({ from }) => plusSeconds(from, 1)).sort((a, b) => a.getTime() - b.getTime())[0];
}
