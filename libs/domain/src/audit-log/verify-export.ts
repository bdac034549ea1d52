import type { EventData, Fact } from '@readmit/contracts';
import { CaseWatch } from './case-watch.js';
import { defaultGraceSeconds } from './case-rules.js';
import { openCheckpoint, parseVkey, type Checkpoint, type LogKey } from './checkpoint.js';
import { readLine, type EntryLine, type ExportHeader } from './export-lines.js';
import type { Finding } from './finding.js';
import { entryBytes, leafOf, type Leaf } from './leaf.js';
import type { LogReport, RefusedEntry, ViolationEntry } from './log-report.js';
import { RowOrder } from './row-order.js';
import { hexOf, textOf, type EventChecks, type LogTools } from './tools.js';

export interface VerifyOptions {
  /** C2SP verifier key of the log, obtained independently of the export. */
  readonly logKey: string;
  /** The services' public keys: from the signed list in the header (checked against the offline root) or from a file. */
  readonly events: (header: ExportHeader) => EventChecks | Promise<EventChecks>;
  /** A checkpoint note that was seen before: detects a log that was cut or forked since. */
  readonly trustedCheckpoint?: string;
  readonly graceSeconds?: number;
  /** Maximum number of findings in the report; the rest are only counted. */
  readonly maxFindings?: number;
}

/**
 * Verifies a whole export in one pass with constant memory. Needs only the export, the public keys and, to detect a cut or
 * a fork, a checkpoint seen before. Trusts no claim of the export.
 * @throws {TypeError} `logKey` is not a verifier key.
 */
export async function verifyExport(lines: AsyncIterable<string>, tools: LogTools, options: VerifyOptions): Promise<LogReport> {
  const verification = new ExportVerification(tools, options);
  for await (const line of lines) if (line.trim() !== '') await verification.line(line);
  return verification.end();
}

class ExportVerification {
  private readonly key: LogKey;
  private readonly tree: InstanceType<LogTools['contracts']['Frontier']>;
  private readonly order: RowOrder;
  private readonly cases: CaseWatch;
  private readonly trusted: Checkpoint | undefined;
  private readonly findings: Finding[] = [];
  private found = 0;
  private refusals = 0;
  private readonly refused: RefusedEntry[] = [];
  private violations = 0;
  private readonly violated: ViolationEntry[] = [];
  private lineNumber = 0;
  private events: EventChecks | undefined;
  private last: { readonly checkpoint: Checkpoint; readonly agrees: boolean } | undefined;
  private goodUntil = 0;
  private loggedAfter = new Date(0);
  private differs = false;
  private trustedSeen: 'not-reached' | 'same' | 'differs' = 'not-reached';

  constructor(
    private readonly tools: LogTools,
    private readonly options: VerifyOptions,
  ) {
    this.key = parseVkey(options.logKey, tools);
    this.tree = new tools.contracts.Frontier(tools.sha256);
    const report = (finding: Finding): void => this.report(finding);
    this.order = new RowOrder(report);
    this.cases = new CaseWatch({ crypto: tools.crypto, graceSeconds: options.graceSeconds ?? defaultGraceSeconds }, report);
    if (options.trustedCheckpoint !== undefined) {
      const opened = openCheckpoint(options.trustedCheckpoint, this.key, tools);
      if ('checkpoint' in opened) this.trusted = opened.checkpoint;
      else this.report({ rule: 'checkpoint-invalid', where: 'the checkpoint seen before', why: opened.message });
    }
    this.compareTrusted();
  }

  async line(line: string): Promise<void> {
    this.lineNumber += 1;
    const read = readLine(line, this.tools.base64);
    if ('unreadable' in read)
      this.report({ rule: 'line-unreadable', index: this.tree.size, where: `line ${this.lineNumber}`, why: read.unreadable });
    else if ('header' in read) await this.header(read.header, read.stray);
    else if ('checkpoint' in read) this.checkpoint(read.checkpoint, `line ${this.lineNumber}`);
    else this.row(read.row);
  }

  private async header(header: ExportHeader, stray: string | undefined): Promise<void> {
    if (this.events) {
      this.report({ rule: 'line-unreadable', where: `line ${this.lineNumber}`, why: 'The export has a second header.' });
      return;
    }
    if (stray !== undefined) this.report({ rule: 'header-differs', where: 'header', why: stray });
    if (header.origin !== this.key.name)
      this.report({
        rule: 'header-differs',
        where: 'header',
        why: `The export is of the log ${header.origin}, the verifier key of ${this.key.name}.`,
      });
    if (header.logKey !== this.options.logKey.trim())
      this.report({ rule: 'header-differs', where: 'header', why: 'The export names another verifier key than the one given.' });
    this.events = await this.options.events(header);
  }

  private row(row: EntryLine): void {
    const { leaf, fact } = this.events ? this.entry(row, this.events) : this.entryWithoutHeader();
    const index = leaf?.index ?? row.index;
    // The tree is built from the exact bytes of the export, whatever is wrong with them.
    const at = this.tree.size;
    this.order.row(index);
    if (fact?.type === 'readmit.checkpoint.signed') {
      this.checkpoint(fact.data.note, `entry ${index}`, fact.data.size);
      this.loggedAfter = new Date(fact.at);
    }
    this.tree.append(this.tools.contracts.leafHash(this.tools.sha256, row.entry));
    this.compareTrusted();
    if (!fact) return;
    this.countRefusal(at, fact);
    this.countViolation(at, fact);
    this.cases.add(at, fact);
  }

  private entryWithoutHeader(): { readonly leaf?: Leaf; readonly fact?: Fact } {
    if (this.tree.size === 0)
      this.report({
        rule: 'line-unreadable',
        index: 0,
        where: `line ${this.lineNumber}`,
        why: 'The header line is missing: events cannot be checked.',
      });
    return {};
  }

  /** The leaf, if the entry is exactly what its event gives at that index; the fact, if the event is genuine. */
  private entry({ index, entry, record }: EntryLine, events: EventChecks): { readonly leaf?: Leaf; readonly fact?: Fact } {
    const claimed = claimOf(textOf(entry));
    const signedBytes = events.signedBytes(record);
    const checked = events.check(record, this.loggedAfter);
    const digest = hexOf(this.tools.sha256(signedBytes));
    const where = `entry ${index} (${claimed?.type ?? 'unreadable'}, ${record.topic}, key ${record.key})`;
    if (claimed && claimed.sha256 !== digest)
      this.report({
        rule: 'event-digest',
        index,
        where,
        why: `The entry is for an event with SHA-256 ${claimed.sha256}; the event in the export has ${digest}.`,
      });
    if (!('fact' in checked)) {
      this.report({ rule: 'event-refused', index, where, why: `The event is not genuine: ${checked.reason}. ${checked.message}` });
      return {};
    }
    const { fact } = checked;
    const leaf = leafOf(claimed?.index ?? index, { fact, topic: record.topic, key: record.key, signedBytes }, this.tools);
    const expected = entryBytes(leaf, this.tools);
    if (!this.tools.contracts.sameBytes(expected, entry)) {
      if (!claimed || claimed.sha256 === digest)
        this.report({
          rule: 'entry-altered',
          index,
          where,
          why: `The entry does not match its signed event: it differs from byte ${firstDifference(expected, entry)} on.`,
        });
      return { fact };
    }
    if (leaf.index !== index)
      this.report({ rule: 'row-number', index, where, why: `The row has the number ${index}, its entry ${leaf.index}.` });
    return { leaf, fact };
  }

  /** `size`: for a checkpoint that is itself an entry, which covers exactly the entries before it. */
  private checkpoint(note: string, where: string, size?: number): void {
    const opened = openCheckpoint(note, this.key, this.tools);
    const index = this.tree.size;
    if (!('checkpoint' in opened)) {
      this.report({ rule: 'checkpoint-invalid', index, where, why: `${opened.reason}: ${opened.message}` });
      return;
    }
    const { checkpoint } = opened;
    if (size !== undefined && size !== checkpoint.size)
      this.report({ rule: 'checkpoint-invalid', index, where, why: `The entry has the size ${size}, its note ${checkpoint.size}.` });
    const agrees = checkpoint.size === this.tree.size && this.tools.contracts.sameBytes(checkpoint.root, this.tree.root());
    this.last = { checkpoint, agrees };
    if (agrees) {
      this.goodUntil = checkpoint.size;
      return;
    }
    // Reported once: after the first changed entry every root differs.
    if (this.differs) return;
    this.differs = true;
    const changed = checkpoint.size === this.tree.size ? 'the root differs' : `there are ${this.tree.size} entries before it`;
    this.report({
      rule: 'checkpoint-differs',
      index,
      where,
      why: `The signed checkpoint of size ${checkpoint.size} does not match the entries: ${changed}. Entries 0 to ${this.goodUntil - 1} are proved by the checkpoint before; the change is between ${this.goodUntil} and ${Math.max(checkpoint.size, this.tree.size)}.`,
    });
  }

  private compareTrusted(): void {
    if (!this.trusted || this.tree.size !== this.trusted.size) return;
    this.trustedSeen = this.tools.contracts.sameBytes(this.tree.root(), this.trusted.root) ? 'same' : 'differs';
  }

  end(): LogReport {
    this.order.end();
    this.cases.end();
    const size = this.tree.size;
    if (!this.events && size === 0)
      this.report({ rule: 'line-unreadable', where: 'line 1', why: 'Not an export of the log: the header line is missing.' });
    const last = this.last;
    if (!last) this.report({ rule: 'checkpoint-invalid', where: 'end', why: 'The export has no checkpoint signed by the log.' });
    else if (last.checkpoint.size > size)
      this.report({
        rule: 'log-cut',
        index: size,
        where: `after entry ${size - 1}`,
        why: `The export ends after ${size} entries; its last checkpoint covers ${last.checkpoint.size}.`,
      });
    else if (last.agrees && last.checkpoint.size < size)
      this.report({
        rule: 'checkpoint-invalid',
        index: last.checkpoint.size,
        where: `entries ${last.checkpoint.size} to ${size - 1}`,
        why: 'No signed checkpoint covers the last entries.',
      });
    this.endTrusted(size, last?.agrees === true);
    const ok = this.found === 0 && this.violations === 0;
    return {
      ok,
      size,
      root: hexOf(this.tree.root()),
      findings: [...this.findings].sort((a, b) => (a.index ?? size) - (b.index ?? size)),
      found: this.found,
      cases: this.cases.count,
      violations: this.violations,
      violated: this.violated,
      ...(this.events?.keyListIssuedAt === undefined ? {} : { keyListIssuedAt: this.events.keyListIssuedAt }),
      refusals: this.refusals,
      refused: this.refused,
      says: this.verdict(size),
    };
  }

  private endTrusted(size: number, exportAgrees: boolean): void {
    const { trusted } = this;
    if (!trusted) return;
    if (this.trustedSeen === 'not-reached')
      this.report({
        rule: 'log-cut',
        index: size,
        where: `after entry ${size - 1}`,
        why: `The export ends after ${size} entries; a checkpoint of size ${trusted.size} was seen before, so at least ${trusted.size - size} entries were cut off at the end.`,
      });
    else if (this.trustedSeen === 'differs' && exportAgrees)
      this.report({
        rule: 'log-forked',
        index: trusted.size,
        where: `size ${trusted.size}`,
        why: 'The log signed a different root for this size before: it was forked, history was rewritten.',
      });
    else if (this.trustedSeen === 'differs')
      this.report({
        rule: 'checkpoint-differs',
        index: trusted.size,
        where: `size ${trusted.size}`,
        why: 'The root of the first entries differs from the checkpoint seen before.',
      });
  }

  private verdict(size: number): string {
    const findings = (count: number): string => `${count} finding${count === 1 ? '' : 's'}`;
    const own = this.violations === 0 ? '' : ` Audit itself logged ${findings(this.violations)}.`;
    if (this.found > 0)
      return `The log does not verify: ${findings(this.found)}. First: ${this.findings[0]?.where}: ${this.findings[0]?.why}${own}`;
    return this.violations === 0
      ? this.verified(size)
      : `The log is whole as of size ${size}, but rules were broken.${own} First: ${this.violated[0]?.rule}: ${this.violated[0]?.says}`;
  }
  private verified(size: number): string {
    const entries = `${size} ${size === 1 ? 'entry' : 'entries'}, ${this.cases.count} case${this.cases.count === 1 ? '' : 's'}`;
    return this.trusted
      ? `The log verifies: complete as of size ${size} (${entries}) and an extension of the checkpoint of size ${this.trusted.size} seen before.`
      : `The log verifies: complete as of size ${size} (${entries}). Only a checkpoint seen before can show whether it was cut or forked.`;
  }

  private countRefusal(index: number, fact: Fact): void {
    const { data } = fact;
    if (!('command' in data)) return;
    this.refusals += 1;
    const { key, command, rule, reason, actor } = data;
    if (this.refused.length < (this.options.maxFindings ?? 100))
      this.refused.push({ index, type: fact.type, at: fact.at, key, command, rule, reason, actor });
  }

  private countViolation(index: number, { type, at, data }: Fact): void {
    if (type !== 'readmit.violation.found') return;
    this.violations += 1;
    const { caseId, rule, says } = data as EventData<'readmit.violation.found'>;
    if (this.violated.length < (this.options.maxFindings ?? 100)) this.violated.push({ index, at, caseId, rule, says });
  }

  private report(finding: Finding): void {
    this.found += 1;
    if (this.findings.length < (this.options.maxFindings ?? 100)) this.findings.push(finding);
  }
}

interface Claim {
  readonly index: number;
  readonly type: string;
  readonly sha256: string;
}
function claimOf(text: string | undefined): Claim | undefined {
  if (text === undefined) return undefined;
  try {
    const { index, type, sha256 } = JSON.parse(text) as Record<string, unknown>;
    return typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 && typeof type === 'string' && typeof sha256 === 'string'
      ? { index, type, sha256 }
      : undefined;
  } catch {
    // An unreadable entry claims nothing; it will differ from what its event gives.
    return undefined;
  }
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const differs = a.findIndex((byte, at) => byte !== b[at]);
  return differs < 0 ? a.length : differs;
}
