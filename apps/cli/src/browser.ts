import { spawn } from 'node:child_process';

/** How this machine shows an address to the person in front of it; `undefined` where it has no desktop. */
export function browserOf(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): ((url: string) => void) | undefined {
  const command = commandOf(platform, env);
  if (!command) return undefined;
  const [program, ...first] = command;
  return (url) => {
    const child = spawn(program, [...first, url], { detached: true, stdio: 'ignore' });
    // The address is printed as well, so a browser that does not open is no failure.
    child.on('error', () => undefined);
    child.unref();
  };
}

function commandOf(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open'];
  // Not "cmd /c start", which takes the "&" of an address for the end of the command.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open'] : undefined;
}
