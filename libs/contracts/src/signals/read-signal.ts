import { idFault } from '../events/id.js';
import { isRefused, readCloudEvent, refuse, type EventBinding, type EventMessage, type RefusedEvent } from './cloud-event.js';
import { isSignalType, signalLimits, signalTypes, type Signal } from './signal.js';

/** Provider -> the sources that it may use; an empty list allows any. */
export type SignalProviders = ReadonlyMap<string, readonly string[]>;

export interface ReadOptions {
  /** From the name of the topic or the access token. */
  readonly provider: string;
  readonly providers: SignalProviders;
  readonly binding: EventBinding;
  readonly now: Date;
  /** An operator re-drives it: any time is accepted. */
  readonly replayed?: boolean;
}

const source = /^[\x21-\x7e]{1,512}$/;
const instant = /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;
const maxIdLength = 256;

/** The signal in a message, or the first reason for its refusal. Never throws. */
export function readSignal(message: EventMessage, options: ReadOptions): { readonly ok: true; readonly signal: Signal } | RefusedEvent {
  const sources = options.providers.get(options.provider);
  if (!sources) return refuse('unknown-provider', 'the provider is not configured: add it to READMIT_PROVIDERS and re-drive the message');
  const event = readCloudEvent(options.binding, message);
  if (isRefused(event)) return event;
  const { attributes } = event;
  if (attributes.get('specversion') !== '1.0')
    return refuse('specversion', attributes.has('specversion') ? 'specversion is not 1.0' : 'specversion is missing');
  const of = (name: string): string => attributes.get(name) ?? '';
  for (const name of ['id', 'source', 'type', 'subject', 'time'])
    if (of(name) === '') return refuse('attribute-missing', `${name} is missing`);
  if (of('id').length > maxIdLength) return refuse('attribute-malformed', `id is longer than ${maxIdLength} characters`);
  if (!source.test(of('source'))) return refuse('attribute-malformed', 'source is not a URI reference of at most 512 characters');
  const type = of('type');
  if (!isSignalType(type)) return refuse('unknown-type', 'the type is not one of readmit.idp.*');
  const fault = idFault(of('subject'));
  if (fault !== undefined) return refuse('subject-not-an-id', `subject is not an id: ${fault}`);
  const at = instantOf(of('time'));
  if (at === undefined) return refuse('time-malformed', 'time is not an RFC 3339 instant with an offset');
  if (!options.replayed) {
    if (at > options.now.getTime() + signalLimits.aheadSeconds * 1000)
      return refuse('from-the-future', `time is more than ${signalLimits.aheadSeconds} s in the future`);
    if (at < options.now.getTime() - signalLimits.maxAgeDays * 86_400_000)
      return refuse('too-old', `time is more than ${signalLimits.maxAgeDays} days ago`);
  }
  if (event.data && (typeof event.data.value !== 'object' || event.data.value === null || Array.isArray(event.data.value)))
    return refuse('data-not-an-object', 'the data is not an object');
  if (sources.length > 0 && !sources.some((one) => of('source') === one || of('source').startsWith(`${one}/`)))
    return refuse('foreign-source', 'source is not allowed for this provider (READMIT_PROVIDER_SOURCES)');
  return {
    ok: true,
    signal: {
      provider: options.provider,
      source: of('source'),
      id: of('id'),
      kind: signalTypes[type],
      subject: of('subject'),
      occurredAt: new Date(at).toISOString(),
    },
  };
}

function instantOf(text: string): number | undefined {
  const match = instant.exec(text);
  if (!match) return undefined;
  const [, year, month, day] = match;
  const at = Date.parse(text);
  // Date.parse accepts the 30th of February.
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number.isNaN(at) || Number(day) > days || Number(day) < 1 ? undefined : at;
}
