import type { Command } from 'commander';

const says: Readonly<Record<string, string>> = {
  case: 'ask for a way back in and follow it',
  evidence: 'proofs that a person is who they say',
  secret: 'secrets sealed to a key',
  audit: 'the tamper-evident log',
  parked: 'messages that a service could not take',
  key: 'key files',
  directory: 'the signed file that says who is who',
};

/** The command that holds others, made at first use. */
export function group(program: Command, name: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name).description(says[name] ?? name);
}
