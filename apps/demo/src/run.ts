import { pino } from 'pino';
import { ProductionRefused, startDemo, type Demo } from './start.js';
import { clientSecretsFolder } from './state/keys.js';

/** EX_CONFIG of sysexits: the surroundings are wrong, not the program. */
export const wrongConfiguration = 78;

/**
 * Starts the demo from environment variables: DEMO_PORT (default 9500), DEMO_STATE (folder; default: in memory), DEMO_DIRECTORY (whose people
 * sign in; default: the demo's own), DEMO_SIGNAL_URL.
 * Gives back the running demo or the exit code; says on `stderr` why it does not start.
 */
export async function runDemo(
  env: Readonly<Record<string, string | undefined>>,
  out: { readonly stdout: NodeJS.WritableStream; readonly stderr: NodeJS.WritableStream },
): Promise<{ readonly demo: Demo } | { readonly exitCode: number }> {
  const log = pino({ name: 'readmit-demo' }, out.stdout);
  const portText = env['DEMO_PORT'] ?? '9500';
  try {
    const port = Number(portText);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`DEMO_PORT is not a port: ${portText}`);
    const stateDir = env['DEMO_STATE'];
    const signalUrl = env['DEMO_SIGNAL_URL'];
    const directoryFile = env['DEMO_DIRECTORY'];
    const demo = await startDemo({
      port,
      env,
      ...(stateDir ? { stateDir } : {}),
      ...(signalUrl ? { signalUrl } : {}),
      ...(directoryFile ? { directoryFile } : {}),
      log: (entry) => log.info(entry),
    });
    out.stdout.write(`Readmit demo identity provider (demo only, never for real accounts): ${demo.url}
  token endpoint  ${demo.tokenUrl}
  mailbox         ${demo.mailboxUrl}
${stateDir ? `  client secrets  ${clientSecretsFolder(stateDir)}\n` : ''}`);
    return { demo };
  } catch (error) {
    out.stderr.write(`${error instanceof Error ? error.message : 'The demo did not start.'}\n`);
    return { exitCode: error instanceof ProductionRefused ? wrongConfiguration : 1 };
  }
}
