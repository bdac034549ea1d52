import { example, type Register } from '../act.js';
import type { Answer } from '../client.js';
import type { Context } from '../context.js';
import { CliError, usage } from '../errors.js';
import { readApproverKey, sha256Hex, type ApproverKey } from '../keys.js';
import { patiently } from '../patience.js';
import { showForDecision } from '../plan-view.js';
import { shown, type Shown } from '../shown.js';
import { signStatement } from '../sign.js';
import { steppedUp } from '../sign-in-again.js';
import { nextByReason } from '../what-next.js';

type View = Answer<'showApproval'>;
type Choice = 'approve' | 'deny';
interface DecideOptions {
  readonly reason: string;
  readonly key?: string;
  readonly yes?: true;
  readonly planDigest?: string;
  readonly policyDigest?: string;
}

export const registerDecide: Register = (program, act) => {
  const decision = (name: Choice, description: string, line: string): void => {
    example(
      program
        .command(name)
        .description(description)
        .argument('<case>')
        .requiredOption('--reason <text>', 'reason of the decision')
        .option('--key <file>', 'your signing key (default: approver-key.json in the config folder)')
        .option('--plan-digest <hex>', 'decide only on this plan')
        .option('--policy-digest <hex>', 'decide only under this policy; required if the service does not show its document')
        .option('--yes', 'do not ask for confirmation'),
      line,
    ).action(act((context: Context, options: DecideOptions, caseId) => decide(context, name, options, caseId ?? '')));
  };
  decision(
    'approve',
    'show plan, proofs and quorum, and sign an approval',
    'readmit approve <case> --reason "her manager vouched, ticket OPS-4711"',
  );
  decision('deny', 'show plan, proofs and quorum, and sign a denial', 'readmit deny <case> --reason "she says she did not ask" --yes');
};

async function decide(context: Context, choice: Choice, options: DecideOptions, caseId: string): Promise<void> {
  const session = await context.signedIn();
  const key = await readApproverKey(options.key ?? context.vault.approverKeyFile);
  const view = await patiently(context.io, () => context.client.call('showApproval', { params: { caseId } }));
  // Someone new to the case becomes known to one service after the other.
  const asked = await patiently(context.io, () => context.client.call('showCase', { params: { caseId } }), ['notFound']);
  mustBeOpen(view, caseId);
  const seen = shown(view, caseId, options.policyDigest);
  const signable = choice === 'approve' ? approvable(view, seen, caseId) : deniable(context, view, seen, caseId);
  if (options.planDigest !== undefined && options.planDigest !== signable.planDigest) {
    throw new CliError('notReady', 'The plan differs from the one you named', {
      where: `plan digest ${signable.planDigest}`,
      next: 'Look at the new plan and decide again.',
    });
  }
  showForDecision(context.out, view, asked);
  await confirmed(context, choice, options.yes === true);
  const answer = await steppedUp(context, () => {
    const body = signed(context, choice, options.reason, caseId, session.person, signable, key);
    return patiently(context.io, () => context.client.call('decide', { params: { caseId }, body }));
  });
  context.out.result(answer, () =>
    context.out.fields([
      ['case', answer.caseId],
      ['decision', `${choice} (${answer.decisionId})`],
      ['link', answer.link],
    ]),
  );
}

interface Signable {
  readonly planDigest: string;
  readonly evidenceDigest: string;
  readonly policyDigest: string;
  readonly nonce: string;
}

/** Nobody reads a plan and signs for what is over: approval would refuse it with the same reason. */
function mustBeOpen({ state }: View, caseId: string): void {
  const next = nextByReason(`approval-${state}`, { target: `/cases/${caseId}`, later: '' });
  if (next !== undefined) throw new CliError('notReady', `The case can no longer be decided (state: ${state})`, { where: caseId, next });
}

const notYet = (view: View, caseId: string): CliError =>
  new CliError('notReady', `The case cannot be decided yet (state: ${view.state})`, {
    where: caseId,
    next: `See what it waits for: readmit case show ${caseId}`,
  });

/** What a yes signs: all parts are there, and each digest is that of what is shown. */
function approvable(view: View, { differs, policyDigest, ...digests }: Shown, caseId: string): Signable {
  const { plan, planDigest, evidenceDigest, nonce } = view;
  if (view.state === 'waiting-for-evidence') throw notYet(view, caseId);
  if (plan === null || planDigest === null || evidenceDigest === null || policyDigest === undefined || nonce === null)
    throw notYet(view, caseId);
  const [first] = differs;
  if (first !== undefined)
    throw new CliError('verificationFailed', `digest-mismatch: ${first}`, {
      where: caseId,
      next: 'Do not sign. Tell the security team: a service displays one thing and asks for a signature on another. A proof whose text has been erased must be recorded again.',
    });
  return { ...digests, policyDigest, nonce };
}

/** What a no signs: what was shown, whatever the service would have signed. A no gives nothing, so nothing stands in its way. */
function deniable({ io, out }: Context, view: View, { differs, policyDigest, ...digests }: Shown, caseId: string): Signable {
  if (policyDigest === undefined) throw notYet(view, caseId);
  for (const difference of differs)
    out.note(`digest-mismatch: ${difference}. Tell the security team; your denial covers what is shown here.`);
  return { ...digests, policyDigest, nonce: view.nonce ?? sha256Hex(io.uuid()) };
}

async function confirmed({ io }: Context, choice: Choice, yes: boolean): Promise<void> {
  if (yes) return;
  if (!io.confirm)
    throw usage('The decision cannot be confirmed without a terminal', 'Run it in a terminal, or add --yes after reading the plan above.');
  if (!(await io.confirm(choice === 'approve' ? 'Sign your approval of exactly this?' : 'Sign your denial?')))
    throw usage('Not confirmed: nothing was signed or sent');
}

function signed(
  { io }: Context,
  decision: Choice,
  reason: string,
  caseId: string,
  approver: string,
  { planDigest, evidenceDigest, policyDigest, nonce }: Signable,
  key: ApproverKey,
) {
  const statement = {
    v: 1 as const,
    caseId,
    planDigest,
    evidenceDigest,
    policyDigest,
    decision,
    approver,
    decidedAt: io.now().toISOString(),
    nonce,
    reason,
  };
  return { statement, proof: signStatement(statement, key) };
}
