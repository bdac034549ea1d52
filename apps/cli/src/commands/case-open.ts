import { Option } from 'commander';
import { example, repeated, type Register } from '../act.js';
import { parseAsk, type AskInput } from '../asks.js';
import { callBackCode, onlyOnACallBack } from '../call-back-code.js';
import type { Answer, Credential, Input } from '../client.js';
import type { Context } from '../context.js';
import { parseDuration } from '../duration.js';
import { CliError, usage, type ExitName } from '../errors.js';
import { group } from '../group.js';
import { newRecipientKey, publicPart } from '../keys.js';
import { needsCaseKey } from '@readmit/domain';
import type { Session } from '../session.js';
import { askKinds, OpenCase } from '@readmit/contracts';

type Body = Input<'openCase'>['body'];
type CaseView = Answer<'showCase'>;
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
      .description('request recovery; nothing happens before the case is classified and proved')
      .option('--subject <id>', 'the person to recover')
      .option('--machine [id]', 'the subject is a machine')
      .option(
        '--ask <kind=connector/object[/entitlement]>',
        `what to restore; repeatable; use JSON if a name contains a slash; kinds: ${askKinds.join(', ')}`,
        repeated(parseAsk),
      )
      .addOption(new Option('--reason-code <code>', 'reason, as a code').choices(reasonCodes()).makeOptionMandatory())
      .requiredOption('--reason <text>', 'reason, in words')
      .option('--ticket <id>', 'ticket in your help-desk system')
      .requiredOption('--for <duration>', 'duration: 90s, 15m, 8h, 2d; the policy sets the maximum')
      .option('--anonymous', 'request without signing in: a one-time key is created and stored here')
      .option('--with-key', 'create a one-time key even if signed in, to pick up what is issued for you'),
    'readmit case open --anonymous --subject ada --ask factor.bypass=demo-idp/ada --reason-code lost-device --reason "phone stolen" --for 15m',
    'readmit case open --machine svc-payroll --ask secret.reissue=target-postgres/payroll --reason-code secret-dead --reason "expired" --ticket OPS-4711 --for 8h',
  ).action(act(open));
};

const reasonCodes = (): readonly string[] => (OpenCase.properties.reasonCode as unknown as { readonly enum: readonly string[] }).enum;

async function open(context: Context, options: OpenOptions): Promise<ExitName> {
  const session = options.anonymous ? undefined : await signedInHere(context);
  const body: Body = {
    subject: subjectOf(options),
    asks: [...(options.ask ?? [])],
    reasonCode: options.reasonCode,
    reason: options.reason,
    ...(options.ticket === undefined ? {} : { ticket: options.ticket }),
    durationSeconds: parseDuration(options.for),
  };
  if (body.asks.length === 0)
    throw usage('Nothing to restore is named', 'Add --ask kind=connector/object, e.g. --ask factor.bypass=demo-idp/ada.');
  return request(context, body, session, !session || keyWanted(body, session, options.withKey === true));
}

/**
 * A bypass is sealed to the key of the case. For oneself it is made unasked; for somebody else this machine would get what opens their
 * account, so that is said first.
 */
function keyWanted({ asks, subject }: Body, { person }: Session, withKey: boolean): boolean {
  const sealed = asks.some(needsCaseKey);
  if (!sealed || withKey || subject.id === person) return withKey || sealed;
  throw usage(
    `A bypass is sealed to a key, and the key would be yours, not that of ${subject.id}`,
    'Let them open the case on their own machine (--anonymous), or add --with-key to pick it up here.',
  );
}

/** A case without a name is asked for on purpose: a mistyped address or a home without a sign-in must not make one. */
async function signedInHere(context: Context): Promise<Session> {
  const session = await context.session();
  if (session) return session;
  const other = await context.vault.session();
  throw new CliError('notSignedIn', other ? `You are signed in for ${other.url}, not here` : 'You are not signed in', {
    where: context.origin.origin,
    next: 'Sign in: readmit login. If you cannot, or to open the case for someone else anonymously, add --anonymous.',
  });
}

/**
 * Without a sign-in a one-time key pair is the only credential: it is kept before the request leaves, which proves its possession. When no
 * answer comes, key and idempotency key stay, and the same command takes up the case that may have been opened.
 */
async function request(context: Context, body: Body, session: Session | undefined, withKey: boolean): Promise<ExitName> {
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
      out.note('The case may have been opened. Run the same command again within an hour: it opens the case or resumes it.');
    else await vault.dropPending(pending.file);
    throw error;
  }
  const keyFile = await vault.adopt(pending, accepted.caseId);
  const { code, one } = await firstLooks(context, accepted.caseId, credential);
  const failed = one?.outcome === 'failed';
  const held = key && keyFile ? { fingerprint: key.fingerprint, keyFile, ...(code === undefined ? {} : { code }) } : undefined;
  shown(context, accepted, held, failed);
  if (!failed) return 'ok';
  out.note(`The case has failed: ${one.ended?.at(-1) ?? `see readmit case timeline ${one.caseId}`}`);
  return 'failed';
}

/**
 * The code comes with the classification, and what was asked for wrongly is refused with the plan: both nearly always within a second. So
 * many looks, so many milliseconds apart.
 */
const looks = { most: 10, everyMs: 300 } as const;
const notPlanned: readonly CaseView['state'][] = ['opened', 'classified'];

async function firstLooks(
  context: Context,
  caseId: string,
  credential: Credential,
): Promise<{ readonly code?: string; readonly one?: CaseView }> {
  let code: string | undefined;
  let one: CaseView | undefined;
  try {
    for (let look = 0; look < looks.most; look++) {
      if (look > 0) await context.io.sleep(looks.everyMs);
      one = await context.client.call('showCase', { params: { caseId } }, credential);
      code ??= await callBackCode(context, one);
      if (one.outcome !== null || (credential.kind === 'key' ? code !== undefined : !notPlanned.includes(one.state))) break;
    }
  } catch (error) {
    // The case is open; all this can be looked up later.
    if (!(error instanceof CliError)) throw error;
  }
  return { ...(code === undefined ? {} : { code }), ...(one === undefined ? {} : { one }) };
}

function shown(
  { out }: Context,
  accepted: Answer<'openCase'>,
  key: { readonly fingerprint: string; readonly keyFile: string; readonly code?: string } | undefined,
  over: boolean,
): void {
  out.result({ ...accepted, ...key }, () => {
    out.fields([
      ['case', accepted.caseId],
      ['link', accepted.link],
      ...(key ? ([['key', key.keyFile]] as const) : []),
      ...(key?.code === undefined ? [] : ([['code', key.code]] as const)),
    ]);
    if (over) return;
    if (key)
      out.note(
        key.code === undefined
          ? `The code for the help desk is not available yet: readmit case show ${accepted.caseId}`
          : onlyOnACallBack(key.code),
      );
    out.note(`Follow it: readmit case watch ${accepted.caseId}`);
    if (key) out.note(`After the grant, pick up what is issued for you: readmit secret pick-up ${accepted.caseId}`);
    out.note(`To withdraw it: readmit case withdraw ${accepted.caseId}`);
  });
}

function subjectOf({ subject, machine }: OpenOptions): Body['subject'] {
  if (typeof machine === 'string') {
    if (subject !== undefined) throw usage('Both --subject and --machine name a subject', 'A case has one subject.');
    return { kind: 'machine', id: machine };
  }
  if (subject === undefined) throw usage('No subject is named', 'Add --subject <id> or --machine <id>.');
  return { kind: machine ? 'machine' : 'person', id: subject };
}
