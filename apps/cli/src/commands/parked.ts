import { areaNames, serviceOfArea, type Area, type ParkedMessage } from '@readmit/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Static } from 'typebox';
import { example, type Register } from '../act.js';
import type { Context } from '../context.js';
import type { ExitName } from '../errors.js';
import { group } from '../group.js';
import { wholeNumber } from './case.js';
import { wouldDo } from './operate.js';

type Parked = Static<typeof ParkedMessage>;
interface OfService {
  readonly service: Area;
}
interface ListOptions extends OfService {
  readonly state: Parked['state'] | 'all';
  readonly limit?: number;
}
interface SettleOptions extends OfService {
  readonly apply?: true;
}

export const registerParked: Register = (program, act) => {
  const parked = group(program, 'parked');
  const sub = (name: string, description: string): Command =>
    parked
      .command(name)
      .description(`operator: ${description}`)
      .requiredOption('--service <name>', areaNames.map(serviceOfArea).join(', '), areaOf);
  example(
    sub('list', 'list messages that a service could not process, with the reason')
      .addOption(
        new Option('--state <state>', 'only messages in this state').choices(['parked', 'redriven', 'discarded', 'all']).default('parked'),
      )
      .option('--limit <n>', 'maximum number (1 to 1000)', wholeNumber),
    'readmit parked list --service execution',
  ).action(act(list));
  example(sub('show', 'show one of them with its bytes').argument('<id>'), 'readmit parked show <id> --service execution --json').action(
    act((context: Context, options: OfService, id) => show(context, options, id ?? '')),
  );
  for (const action of ['redrive', 'discard'] as const) {
    const description = action === 'redrive' ? 'process one of them again' : 'discard one of them; recorded with your name';
    example(
      sub(action, description).argument('<id>').option('--apply', 'apply it; otherwise nothing is sent'),
      `readmit parked ${action} <id> --service execution --apply`,
    ).action(act((context: Context, options: SettleOptions, id) => settle(context, options, action, id ?? '')));
  }
};

function areaOf(text: string): Area {
  const area = areaNames.find((name) => name === text || serviceOfArea(name) === text);
  if (area === undefined) throw new InvalidArgumentError(`Services: ${areaNames.map(serviceOfArea).join(', ')}.`);
  return area;
}

async function list(context: Context, { service, state, limit }: ListOptions): Promise<void> {
  const input: object = { query: { ...(state === 'all' ? {} : { state }), ...(limit === undefined ? {} : { limit }) } };
  // The routes of the six services are made from one shape; the client has checked the answer against it.
  const all = (await context.client.call(`${service}ListParked`, input)) as readonly Parked[];
  context.out.result(all, () =>
    context.out.table(
      ['id', 'state', 'parked', 'type', 'key', 'reason', 'says'],
      all.map((one) => [one.id, one.state, one.parkedAt, one.type, one.key, one.reason, one.says]),
      state === 'all' || state === 'parked' ? 'Nothing is parked.' : `Nothing was ${state}.`,
    ),
  );
}

async function show(context: Context, { service }: OfService, parkedId: string): Promise<void> {
  const one = (await context.client.call(`${service}ShowParked`, { params: { parkedId } })) as Parked;
  context.out.result(one, () => context.out.fields(fieldsOf(one)));
}

const fieldsOf = (one: Parked): readonly (readonly [string, string | number | null | undefined | readonly string[]])[] => [
  ['id', one.id],
  ['state', one.state],
  ['parked', one.parkedAt],
  ['reason', `${one.reason}: ${one.says}`],
  ['from', `${one.topic} partition ${one.partition} offset ${one.offset}`],
  ['key', one.key],
  ['event', `${one.type ?? 'unknown type'} ${one.eventId ?? ''}`],
  ['headers', Object.entries(one.headers ?? {}).map(([name, value]) => `${name}: ${value}`)],
  ['bytes', one.bytes],
];

async function settle(
  context: Context,
  { service, apply }: SettleOptions,
  action: 'redrive' | 'discard',
  parkedId: string,
): Promise<ExitName> {
  const says =
    action === 'redrive'
      ? `re-drive parked message ${parkedId} of ${serviceOfArea(service)}`
      : `discard parked message ${parkedId} of ${serviceOfArea(service)}: anything that depends on it keeps waiting`;
  if (!apply) {
    wouldDo(context, [`${says} (POST /api/${service}/parked/${parkedId})`]);
    return 'ok';
  }
  const input: object = { params: { parkedId }, body: { action } };
  const one = (await context.client.call(`${service}SettleParked`, input)) as Parked;
  context.out.result(one, () => context.out.fields(fieldsOf(one).slice(0, 4)));
  if (one.state !== 'parked') return 'ok';
  context.out.note(`It was refused again and stays parked: ${one.says}`);
  return 'refused';
}
