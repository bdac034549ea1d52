import { example, type Register } from '../act.js';
import type { Answer } from '../client.js';
import type { Context } from '../context.js';
import { CliError, usage } from '../errors.js';
import { digestOf, readApproverKey, type ApproverKey } from '../keys.js';
import { signStatement } from '../sign.js';
import { showForDecision } from '../plan-view.js';

type View = Answer<'showApproval'>;
type Choice = 'approve' | 'deny';
interface DecideOptions {
  readonly reason: string;
  readonly key?: string;
  readonly yes?: true;
  readonly planDigest?: string;
}

export const registerDecide: Register = (program, act) => {
  const decision = (name: Choice, description: string, line: string): void => {
    example(
      program
        .command(name)
        .description(description)
        .argument('<case>')
        .requiredOption('--reason <text>', 'why you decide so')
        .option('--key <file>', 'your signing key (default: approver-key.json in the config folder)')
        .option('--plan-digest <hex>', 'only if the plan is still this one')
        .option('--yes', 'do not ask for confirmation'),
      line,
    ).action(act((context: Context, options: DecideOptions, caseId) => decide(context, name, options, caseId ?? '')));
  };
  decision(
    'approve',
    'show plan, proofs and quorum, and sign that you approve',
    'readmit approve case_0190 --reason "her manager vouched, ticket OPS-4711"',
  );
  decision(
    'deny',
    'show plan, proofs and quorum, and sign that you refuse',
    'readmit deny case_0190 --reason "she says she did not ask" --yes',
  );
};

async function decide(context: Context, choice: Choice, options: DecideOptions, caseId: string): Promise<void> {
  const session = await context.signedIn();
  const key = await readApproverKey(options.key ?? context.vault.approverKeyFile);
  const [view, asked] = await Promise.all([
    context.client.call('showApproval', { params: { caseId } }),
    context.client.call('showCase', { params: { caseId } }),
  ]);
  const signable = checked(view, caseId);
  if (options.planDigest !== undefined && options.planDigest !== signable.planDigest) {
    throw new CliError('notReady', 'The plan is not the one that you named', {
      where: `plan digest ${signable.planDigest}`,
      next: 'Look at the new plan and decide again.',
    });
  }
  showForDecision(context.out, signable, view, asked);
  await confirmed(context, choice, options.yes === true);
  const answer = await context.client.call('decide', {
    params: { caseId },
    body: signed(context, choice, options.reason, caseId, session.person, signable, key),
  });
  context.out.result(answer, () =>
    context.out.fields([
      ['case', answer.caseId],
      ['decision', `${choice} (${answer.decisionId})`],
      ['link', answer.link],
    ]),
  );
}

type Digests = { readonly [K in 'plan' | 'planDigest' | 'evidenceDigest' | 'policyDigest' | 'nonce']: NonNullable<View[K]> };
export type Signable = Digests;

/** What can be signed: all parts are there, and the digest is that of the plan which is shown. */
function checked(view: View, caseId: string): Signable {
  const { plan, planDigest, evidenceDigest, policyDigest, nonce } = view;
  if (plan === null || planDigest === null || evidenceDigest === null || policyDigest === null || nonce === null) {
    throw new CliError('notReady', `There is nothing to decide yet: the case is ${view.state}`, {
      where: caseId,
      next: `See what it waits for: readmit case show ${caseId}`,
    });
  }
  const next = 'Do not sign. Tell the security team: a service shows one plan and asks for a signature on another.';
  if (view.caseId !== caseId || plan.caseId !== caseId)
    throw new CliError('verificationFailed', `The plan that was shown belongs to ${plan.caseId}`, { where: caseId, next });
  const computed = digestOf(plan);
  if (computed !== planDigest)
    throw new CliError('verificationFailed', 'The plan that was shown is not the plan to be signed', {
      where: `shown ${computed}, to be signed ${planDigest}`,
      next,
    });
  return { plan, planDigest, evidenceDigest, policyDigest, nonce };
}

async function confirmed({ io }: Context, choice: Choice, yes: boolean): Promise<void> {
  if (yes) return;
  if (!io.confirm)
    throw usage('Nobody is here to confirm the decision', 'Run it on a terminal, or add --yes once you have read the plan above.');
  if (!(await io.confirm(choice === 'approve' ? 'Sign that you approve exactly this?' : 'Sign that you deny this?')))
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
