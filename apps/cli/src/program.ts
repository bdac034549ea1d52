import { product } from '@readmit/contracts';
import { Command, CommanderError } from 'commander';
import type { Act } from './act.js';
import { caseIdOf } from './case-id.js';
import { registerAudit } from './commands/audit.js';
import { registerCase } from './commands/case.js';
import { registerCaseOpen } from './commands/case-open.js';
import { registerCaseWatch } from './commands/case-watch.js';
import { registerCompletion } from './commands/completion.js';
import { registerConnector } from './commands/connector.js';
import { registerDecide } from './commands/decide.js';
import { registerDirectory } from './commands/directory.js';
import { registerDoctor } from './commands/doctor.js';
import { registerEvidence } from './commands/evidence.js';
import { registerInbox } from './commands/inbox.js';
import { registerKey } from './commands/key.js';
import { registerOperate } from './commands/operate.js';
import { registerParked } from './commands/parked.js';
import { registerSecret } from './commands/secret.js';
import { registerSetup } from './commands/setup.js';
import { registerSignIn } from './commands/sign-in.js';
import { Context, defaultUrl, type GlobalOptions } from './context.js';
import { CliError, exitCodes, saidBy, usage, type ExitName } from './errors.js';
import { fileFailure, outputFailure } from './files.js';
import type { Io } from './io.js';
import { clean, Output } from './output.js';

const afterHelp = `
Exit codes:
  0  done
  1  unexpected: a bug in the program or in a service
  2  usage: an option, file or field is invalid
  3  verification failed: an audit log, plan or checkpoint is not genuine, Kafka topics or ACLs
     differ from the expected configuration, or a check found something wrong
  4  refused by a rule; the message names the rule, the reason and what to do
  5  not signed in, or a fresher sign-in is required
  6  not found
  7  not ready yet, or conflicts with the state of the case; the message says what to do
  8  a service, issuer or target cannot be reached
  10 to 14, of case watch and case open: outcome of the case: 10 failed, 11 denied, 12 expired, 13 withdrawn, 14 frozen;
     0 if it completed

Environment:
  READMIT_URL      public origin of the services (default ${defaultUrl})
  READMIT_ISSUER   OpenID issuer for readmit login (default: the services' issuer)
  READMIT_TARGETS_FILE  targets file of execution, for readmit connector check
  READMIT_HOME     folder for sign-in and keys (default: XDG_CONFIG_HOME/readmit or ~/.config/readmit)
  NO_COLOR         no colours`;

/** Runs one command line (without node and script) to its exit code; never throws and never ends the process. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes('--json');
  try {
    return exitCodes[await outcomeOf(argv, io, json)];
  } catch (error) {
    const failure = error instanceof CliError ? error : unexpected(error);
    new Output(io, json).failure(failure);
    if (failure.exit === 'unexpected' && io.env['READMIT_DEBUG'] && error instanceof Error)
      io.stderr.write(`${clean(error.stack ?? '')}\n`);
    return exitCodes[failure.exit];
  }
}

async function outcomeOf(argv: readonly string[], io: Io, json: boolean): Promise<ExitName> {
  let outcome: ExitName = 'ok';
  const act: Act =
    (handler) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const context = new Context(io, command.optsWithGlobals<GlobalOptions>());
      const [first, ...rest] = command.processedArgs as string[];
      const named = command.registeredArguments[0]?.name() === 'case' && first !== undefined;
      const args = named ? [await caseIdOf(context, first), ...rest] : command.processedArgs;
      outcome = (await handler(context, command.opts(), ...(args as string[]))) ?? 'ok';
    };
  try {
    await buildProgram(act, io, json).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) {
      // For people the parser has said it already, with the help.
      if (!json) return 'usage';
      throw usage(error.code === 'commander.help' ? 'No command given' : error.message.replace(/^error: /, ''), seeHelp);
    }
  }
  if (outcome === 'ok') await mustBeWritten(io);
  return outcome;
}
const seeHelp = 'Use --help: each command has an example.';

/** What could not be written is not "done". */
async function mustBeWritten(io: Io): Promise<void> {
  await io.stdout.deliver('').catch(() => undefined);
  const failure = outputFailure(io);
  if (failure) throw failure;
}

function buildProgram(act: Act, io: Io, json: boolean): Command {
  const program = new Command('readmit')
    .description('Governs account recovery: every recovery is a grant of privilege.')
    .version(product.version)
    .option('--url <origin>', `public origin of the services (READMIT_URL, default ${defaultUrl})`)
    .option('--json', 'print JSON')
    .option('--insecure-http', 'allow plain http to another machine, within a trusted network')
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void (json || io.stderr.write(text)) })
    .configureHelp({
      visibleCommands: (command) => (command.parent ? [...command.commands] : leavesOf(command)),
      subcommandTerm: (command) =>
        [pathOf(command), ...command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`))].join(' '),
    })
    .exitOverride()
    .showHelpAfterError('(use --help for an example)')
    .addHelpText('after', afterHelp);
  for (const register of [
    registerSignIn,
    registerDoctor,
    registerInbox,
    registerCaseOpen,
    registerCase,
    registerCaseWatch,
    registerEvidence,
    registerDecide,
    registerSecret,
    registerOperate,
    registerAudit,
    registerParked,
    registerSetup,
    registerConnector,
    registerKey,
    registerDirectory,
    registerCompletion,
  ])
    register(program, act);
  return program;
}

/** Every command that can be run, with its group's name before it: one page shows all. */
const leavesOf = (command: Command): Command[] =>
  command.commands.flatMap((one) => (one.commands.length === 0 ? [one] : leavesOf(one as Command)));
const pathOf = (command: Command): string => (command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name());

function unexpected(error: unknown): CliError {
  const { syscall, path } = (error ?? {}) as { readonly syscall?: unknown; readonly path?: unknown };
  if (typeof syscall === 'string' && typeof path === 'string')
    return fileFailure(/^(open|read|scandir|l?stat|access)/.test(syscall) ? 'read' : 'write', path, error);
  return new CliError('unexpected', saidBy(error), {
    next: 'This is a bug in readmit: report it with the command line (without secrets). READMIT_DEBUG=1 prints the stack.',
    cause: error,
  });
}
