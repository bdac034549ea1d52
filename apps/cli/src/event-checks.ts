import { leafSize, leafText, writeLeaf } from '@readmit/contracts';
import type { EventChecks, ExportHeader } from '@readmit/domain';
import { CliError, saidBy } from './errors.js';
import type { Trust } from './trust.js';

/**
 * Checks the events of an export by the services' keys: the header's list counts because the offline root has signed it. The
 * clock is the log's own, as its checkpoints tell it: after a key was revoked only what stands before that in the log counts,
 * whatever time an event claims.
 */
export async function openEvents({ keyList, environment }: ExportHeader, { root, file }: Trust): Promise<EventChecks> {
  // Loaded only here: no other command needs the bus.
  const { loadKeyRing, verifyRecord } = await import('@readmit/signing');
  let ring: Awaited<ReturnType<typeof loadKeyRing>>;
  try {
    ring = await loadKeyRing(keyList, root, environment);
  } catch (cause) {
    throw new CliError('verificationFailed', `The keys of the export cannot be trusted: ${saidBy(cause)}`, {
      where: `header of the export, root in ${file}`,
      next: 'Check that the root belongs to this installation. If it does, the export comes from elsewhere.',
      cause,
    });
  }
  let logTime = new Date(0);
  return {
    keyListIssuedAt: ring.issuedAt,
    signedBytes: (record) => {
      const text = leafText(environment, record);
      const bytes = new Uint8Array(leafSize(text, record));
      return bytes.subarray(0, writeLeaf(bytes, text, record));
    },
    check: (record) => {
      const checked = verifyRecord({ ...record, value: Buffer.from(record.value) }, { ring, environment, now: logTime, replayed: true });
      if (!checked.ok) return { reason: checked.reason, message: checked.message };
      const at = new Date(checked.fact.at);
      if (checked.fact.type === 'readmit.checkpoint.signed' && at > logTime) logTime = at;
      return { fact: checked.fact };
    },
  };
}
