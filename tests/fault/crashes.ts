import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { crashPointsOf, type CrashPoint } from '@readmit/platform';
import type { Bus } from '@readmit/bus';
import { services, type ServiceName } from '@readmit/contracts';

export interface Crash {
  readonly service: ServiceName;
  readonly point: CrashPoint;
}

/** Where the service dies with unsent events. */
const leavesBehind = (service: ServiceName): CrashPoint =>
  service === 'audit' ? 'audit.after-commit-before-publish' : 'runner.after-commit-before-publish';

/**
 * Every point of the service, in steps. A relay only sends what a dead process left, so its points are in one step with a crash that leaves
 * something: the next process dies before it sends that, and the one after it when it has.
 */
export function stepsOf(service: ServiceName, bus: Bus['kind']): readonly (readonly CrashPoint[])[] {
  const points = crashPointsOf(service, bus);
  const relay = points.filter((point) => point.startsWith('relay.'));
  const together = relay.length > 0 ? [leavesBehind(service), ...relay] : [];
  return [...points.filter((point) => !together.includes(point)).map((point) => [point]), ...(together.length > 0 ? [together] : [])];
}

/**
 * Services that kill themselves at given points. They are the built ones: a folder of links to them has its own start file, which loads the
 * hook first, so the builds themselves do not contain it.
 */
export class Crashes {
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async prepare(workspace: string): Promise<Crashes> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-crashes-'));
    for (const name of ['armed', 'hit', 'apps/standalone']) await mkdir(path.join(folder, name), { recursive: true });
    const built = path.join(workspace, 'dist/apps');
    for (const service of services) await symlink(path.join(built, service), path.join(folder, 'apps', service), 'junction');
    const hook = `${pathToFileURL(path.join(workspace, 'tests/fault/crash-preload.mjs')).href}?folder=${encodeURIComponent(folder)}`;
    const supervised = pathToFileURL(path.join(built, 'standalone/supervised.js')).href;
    await writeFile(path.join(folder, 'apps/package.json'), '{ "type": "module" }');
    await writeFile(path.join(folder, 'apps/standalone/supervised.js'), `import '${supervised}';\nimport '${hook}';\n`);
    return new Crashes(folder);
  }

  /** The `appsDir` for `startSystem`. */
  get appsDir(): string {
    return path.join(this.folder, 'apps');
  }
  /** The service dies when it next reaches the point. */
  async arm({ service, point }: Crash): Promise<void> {
    await writeFile(path.join(this.folder, 'armed', `${service} ${point}`), '');
  }
  async disarm({ service, point }: Crash): Promise<void> {
    await rm(path.join(this.folder, 'armed', `${service} ${point}`), { force: true });
  }
  /** Every kill that happened. */
  async hits(): Promise<readonly (Crash & { readonly pid: number })[]> {
    return (await readdir(path.join(this.folder, 'hit'))).map((name) => {
      const [service, point, pid] = name.split(' ');
      return { service, point, pid: Number(pid) } as Crash & { readonly pid: number };
    });
  }
  async hitsOf(crash: Crash): Promise<number> {
    return (await this.hits()).filter(({ service, point }) => service === crash.service && point === crash.point).length;
  }
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
