/** An audit log of a test environment, with its keys: entries are signed and written as audit does. */
import { createPrivateKey, sign } from 'node:crypto';
import { keyOf, leafHash, merkleRoot, topicOf, writeEnvelope, type Fact, type KeyList, type ServiceName } from '@readmit/contracts';
import {
  checkpointLine,
  checkpointText,
  entryBytes,
  entryLine,
  exportFormat,
  headerLine,
  leafOf,
  logKey,
  signNote,
  vkeyOf,
  type LoggedRecord,
} from '@readmit/domain';
import { openEvents } from '../src/event-checks.js';
import { logTools as tools } from '../src/log-tools.js';

// Loaded as the program loads it.
const { makeServiceKeys, makeSigningKey, Signer, signKeyList } = await import('@readmit/signing');
const began = new Date('2026-11-22T09:00:00.000Z');
export const at = (minute: number): string => new Date(began.getTime() + minute * 60_000).toISOString();
const environment = 'test';
export const services = makeServiceKeys(began);
export const root = makeSigningKey();
const log = makeSigningKey();
export const key = logKey('readmit.example/log/test', Buffer.from(log.public.x, 'base64url'), tools);
const logSecret = createPrivateKey({ key: { ...log.private }, format: 'jwk' });

interface Entry {
  readonly entry: Uint8Array;
  readonly record: LoggedRecord;
}
export class Log {
  readonly entries: Entry[] = [];
  keyList = '';

  static async of(list: KeyList = services.list): Promise<Log> {
    const made = new Log();
    made.keyList = await signKeyList(list, root.private);
    return made;
  }
  header() {
    return { format: exportFormat, origin: key.name, environment, keyList: this.keyList, logKey: vkeyOf(key, tools) } as const;
  }
  async append(service: ServiceName, type: Fact['type'], time: string, data: object): Promise<void> {
    const index = this.entries.length;
    const id = `event-${index}`;
    const key = keyOf({ type, data });
    const headers = writeEnvelope({ id, environment, service, type, time, subject: key, version: '1', correlationId: key });
    const [record] = new Signer(services.keys[service]).sign(environment, [
      { topic: topicOf(service), key, headers, value: Buffer.from(JSON.stringify(data)) },
    ]);
    if (!record) throw new Error('nothing was signed');
    const { signedBytes } = await openEvents(this.header(), { file: 'spec', logKey: '', root: root.public });
    const fact = { id, type, at: time, data } as Fact;
    this.entries.push({
      entry: entryBytes(leafOf(index, { fact, topic: record.topic, key: record.key, signedBytes: signedBytes(record) }, tools), tools),
      record,
    });
  }
  notice(minute: number): Promise<void> {
    return this.append('intake', 'readmit.notice.sent', at(minute), {
      caseId: 'case_1',
      noticeId: `notice_${this.entries.length}`,
      about: 'opened',
      channel: 'mail',
    });
  }
  note(size = this.entries.length): string {
    const hash = merkleRoot(
      tools.sha256,
      this.entries.slice(0, size).map(({ entry }) => leafHash(tools.sha256, entry)),
    );
    return signNote(checkpointText({ origin: key.name, size, root: hash }, tools), key, (message) => sign(null, message, logSecret), tools);
  }
  lines(): string[] {
    return [
      headerLine(this.header()),
      ...this.entries.map((entry, index) => entryLine({ index, ...entry }, tools.base64)),
      checkpointLine(this.note()),
    ];
  }
}
