import type { Command } from 'commander';
import { example, type Register } from '../act.js';

export const registerCompletion: Register = (program, act) => {
  example(program.command('completion').description('print a bash completion script'), 'source <(readmit completion)').action(
    act(async ({ out }) => {
      out.text(bashCompletion(program));
    }),
  );
};

/** Words after each command, as the program has them now: nobody keeps a second list. */
function bashCompletion(program: Command): string {
  const cases = commandsOf(program, '').map(({ path, words }) => `    '${path}') next='${words.join(' ')}' ;;`);
  return `_readmit() {
  local word path='' next=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${commandsOf(program, '')
        .flatMap(({ path }) => (path === '' ? [] : [`'${path}'`]))
        .join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _readmit readmit
`;
}

interface Words {
  /** The words of the command; empty for the program itself. */
  readonly path: string;
  readonly words: readonly string[];
}
function commandsOf(command: Command, path: string): readonly Words[] {
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  const below = command.commands.map((one) => one.name());
  return [
    { path, words: [...below, ...options, '--help'] },
    ...command.commands.flatMap((one) => commandsOf(one as Command, path === '' ? one.name() : `${path} ${one.name()}`)),
  ];
}
