import type { Command } from 'commander';

const says: Readonly<Record<string, string>> = {
  case: 'open cases and follow them',
  evidence: 'proofs of identity',
  secret: 'secrets sealed to a key',
  audit: 'the tamper-evident log',
  parked: 'messages that a service could not process',
  connector: 'target systems',
  key: 'key files',
  directory: 'the signed directory of people and machines',
};

/** The command that holds others, made at first use. */
export function group(program: Command, name: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name).description(says[name] ?? name);
}
