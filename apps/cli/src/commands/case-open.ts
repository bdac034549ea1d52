import { Option } from 'commander';
import { example, repeated, type Register } from '../act.js';
import { parseAsk, type AskInput } from '../asks.js';
import { callBackCode, onlyOnACallBack } from '../call-back-code.js';
import type { Answer, Credential, Input } from '../client.js';
import type { Context } from '../context.js';
import { parseDuration } from '../duration.js';
import { CliError, usage } from '../errors.js';
import { group } from '../group.js';
import { newRecipientKey, publicPart } from '../keys.js';
import type { Session } from '../session.js';
import { OpenCase } from '@readmit/contracts';

type Body = Input<'openCase'>['body'];
interface OpenOptions {
  readonly subject?: string;
  readonly machine?: string | true;
  readonly ask?: readonly AskInput[];
  readonly reasonCode: Body['reasonCode'];
  readonly reason: string;
  readonly ticket?: string;
  readonly for: string;
  readonly anonymous?: true;
  readonly withKey?: true;
}

export const registerCaseOpen: Register = (program, act) => {
  example(
    group(program, 'case')
      .command('open')
      .description('ask for a way back in; nothing happens before the case is classified and proved')
      .option('--subject <id>', 'the person who needs the way back in')
      .option('--machine [id]', 'the subject is a machine')
      .option(
        '--ask <kind=connector/object[/entitlement]>',
        'what is asked for; repeat for more; as JSON when a name has a slash',
        repeated(parseAsk),
      )
      .addOption(new Option('--reason-code <code>', 'why, as a code').choices(reasonCodes()).makeOptionMandatory())
      .requiredOption('--reason <text>', 'why, in words')
      .option('--ticket <id>', 'ticket in your desk system')
      .requiredOption('--for <duration>', 'how long it shall last: 90s, 15m, 8h, 2d')
      .option('--anonymous', 'ask without the sign-in that is stored here')
      .option('--with-key', 'make a one-time key also when signed in: what is issued for you can be picked up with it'),
    'readmit case open --subject ada --ask factor.bypass=demo-idp/ada --reason-code lost-device --reason "phone stolen" --for 15m',
    'readmit case open --machine svc-payroll --ask secret.reissue=target-postgres/payroll --reason-code secret-dead --reason "expired" --ticket OPS-4711 --for 8h',
  ).action(act(open));
};

const reasonCodes = (): readonly string[] => (OpenCase.properties.reasonCode as unknown as { readonly enum: readonly string[] }).enum;

async function open(context: Context, options: OpenOptions): Promise<void> {
  const session = options.anonymous ? undefined : await context.session();
  const body: Body = {
    subject: subjectOf(options),
    asks: [...(options.ask ?? [])],
    reasonCode: options.reasonCode,
    reason: options.reason,
    ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
    durationSeconds: parseDuration(options.for),
  };
  if (body.asks.length === 0)
    throw usage('Nothing is asked for', 'Add --ask kind=connector/object, e.g. --ask factor.bypass=demo-idp/ada.');
  return request(context, body, session, !session || options.withKey === true);
}

/**
 * Without a sign-in a one-time key pair is the only credential: it is kept before the request leaves, which proves its possession. When no
 * answer comes, key and idempotency key stay, and the same command takes up the case that may have been opened.
 */
async function request(context: Context, body: Body, session: Session | undefined, withKey: boolean): Promise<void> {
  const { vault, client, out, io } = context;
  const pending = await vault.pendingCase([context.origin.origin, session?.person ?? null, withKey, body], io.now(), () => ({
    idempotencyKey: io.uuid(),
    since: io.now().toISOString(),
    ...(withKey ? { key: newRecipientKey() } : {}),
  }));
  const { key } = pending;
  const credential: Credential = key
    ? { kind: 'key', key, ...(session ? { token: session.accessToken } : {}) }
    : { kind: 'bearer', token: session?.accessToken ?? '' };
  let accepted: Answer<'openCase'>;
  try {
    const asked = { body: { ...body, ...(key ? { caseKey: publicPart(key) } : {}) } };
    accepted = await client.call('openCase', asked, credential, pending.idempotencyKey);
  } catch (error) {
    const mayHaveArrived = !(error instanceof CliError) || error.exit === 'unreachable' || error.exit === 'unexpected';
    if (mayHaveArrived)
      out.note('The case may have been opened all the same. Run the same command again within an hour: it opens it, or takes it up.');
    else await vault.dropPending(pending.file);
    throw error;
  }
  const keyFile = await vault.adopt(pending, accepted.caseId);
  const code = key ? await codeOnceClassified(context, accepted.caseId, credential) : undefined;
  shown(context, accepted, key && keyFile ? { fingerprint: key.fingerprint, keyFile, ...(code === undefined ? {} : { code }) } : undefined);
}

/** The code comes with the classification, nearly always within a second: so many looks, so many milliseconds apart. */
const looks = { most: 10, everyMs: 300 } as const;

async function codeOnceClassified(context: Context, caseId: string, credential: Credential): Promise<string | undefined> {
  try {
    for (let look = 0; look < looks.most; look++) {
      if (look > 0) await context.io.sleep(looks.everyMs);
      const code = await callBackCode(context, await context.client.call('showCase', { params: { caseId } }, credential));
      if (code !== undefined) return code;
    }
  } catch (error) {
    // The case is open; the code can be looked up later.
    if (!(error instanceof CliError)) throw error;
  }
  return undefined;
}

function shown(
  { out }: Context,
  accepted: Answer<'openCase'>,
  key?: { readonly fingerprint: string; readonly keyFile: string; readonly code?: string },
): void {
  out.result({ ...accepted, ...key }, () => {
    out.fields([
      ['case', accepted.caseId],
      ['link', accepted.link],
      ...(key ? ([['key', key.keyFile]] as const) : []),
      ...(key?.code === undefined ? [] : ([['code', key.code]] as const)),
    ]);
    if (key)
      out.note(
        key.code === undefined
          ? `The code that you will read to the desk is not there yet: readmit case show ${accepted.caseId}`
          : onlyOnACallBack(key.code),
      );
    out.note(`Follow it: readmit case watch ${accepted.caseId}`);
    if (key) out.note(`What is issued for you, once it is granted: readmit secret pick-up ${accepted.caseId}`);
    out.note(`Changed your mind: readmit case withdraw ${accepted.caseId}`);
  });
}

function subjectOf({ subject, machine }: OpenOptions): Body['subject'] {
  if (typeof machine === 'string') {
    if (subject !== undefined) throw usage('Both --subject and --machine name a subject', 'A case is about one subject.');
    return { kind: 'machine', id: machine };
  }
  if (subject === undefined) throw usage('Nobody is named who needs the way back in', 'Add --subject <id> or --machine <id>.');
  return { kind: machine ? 'machine' : 'person', id: subject };
}
