/** The record for SIEMs as one line of ArcSight's Common Event Format, for SIEMs without OCSF. */
import type { OcsfEvent } from './event.js';
import { affectedText } from '../../case-view/sentences.js';
import type { SeverityId } from './vocabulary.js';
import type { Whose } from './whose.js';

/** CEF severities: 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high. */
const severities: Readonly<Record<SeverityId, number>> = { 1: 1, 2: 3, 3: 5, 4: 8, 5: 10 };

/** Maximum length of a custom string in CEF; lists of a case may be longer. */
const longest = 4000;

/** A line break ends a record. Headers have no escape for it, and other control characters have none anywhere. */
const control = /[\p{Cc}\u2028\u2029]+/gu;
const inHeader = (text: string): string => text.replace(control, ' ').replace(/[\\|]/g, '\\$&');
const inExtension = (text: string): string =>
  text
    .replace(/[\\=]/g, '\\$&')
    .replace(/\r\n|[\r\n\u0085\u2028\u2029]/g, '\\n')
    .replace(control, ' ');

/** A function of the record alone. Fields with a key in the CEF dictionary use it, the rest are custom strings with labels. */
export function cefOf(event: OcsfEvent): string {
  const { metadata } = event;
  const { name, vendor_name, version, feature } = metadata.product;
  const { whose, type } = event.unmapped as { readonly whose?: Whose; readonly type: string };
  const header = ['CEF:0', vendor_name, name, version, metadata.event_code, type].map(inHeader);
  const extension = Object.entries({
    rt: event.time,
    externalId: metadata.uid,
    cat: event.class_name,
    deviceFacility: feature.name,
    suid: uidIn(event, 'actor', 'user') ?? uidIn(firstIn(event['evidences']), 'actor', 'user'),
    duid: uidIn(event, 'user') ?? uidIn(event, 'entity', 'user') ?? uidIn(firstIn(event['resources']), 'owner'),
    act: event['disposition'],
    outcome: event.status,
    reason: event.status_code,
    msg: event.message,
    ...custom('cs1', 'case', metadata.correlation_uid),
    ...custom('cs2', 'requester', whose?.requester.id),
    ...custom('cs3', 'approvers', whose?.approvers?.join(', ')),
    ...custom('cs4', 'what', whose?.what.map(affectedText).join(', ')),
    ...custom('cn1', 'sequence', metadata.sequence),
  }).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${inExtension(String(value))}`]));
  return `${header.join('|')}|${severities[event.severity_id]}|${extension.join(' ')}`;
}

/** A custom field is only read together with its label. */
const custom = (key: string, label: string, value: string | number | undefined): Readonly<Record<string, string>> =>
  value === undefined ? {} : { [key]: String(value).slice(0, longest), [`${key}Label`]: label };

const firstIn = (list: unknown): unknown => (Array.isArray(list) ? (list as readonly unknown[])[0] : undefined);
/** The `uid` below these names, if there is one. */
function uidIn(value: unknown, ...names: readonly string[]): string | undefined {
  let found: unknown = value;
  for (const name of [...names, 'uid'])
    found = typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[name] : undefined;
  return typeof found === 'string' ? found : undefined;
}
