/** A PostgreSQL of its own whose clock a spec moves while it runs: libfaketime shifts what the server is told by the system. */
import type { ServiceName } from '@readmit/contracts';
import { startPostgres, removePostgres } from '@readmit/servers';
import { openStore, schemaOf, serviceUrls, setup, type Store } from '@readmit/store';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { clocks, ensureDebian } from '../../tools/debian.mjs';

const library = (): string | undefined => globSync('/usr/lib/*/faketime/libfaketime.so.1')[0];

export class MovedClock {
  private readonly stores: Store[] = [];

  private constructor(
    readonly ownerUrl: string,
    private readonly file: string,
    private readonly urls: Readonly<Record<ServiceName, string>>,
    readonly stop: () => Promise<void>,
  ) {}

  /** `timezone`: of the server. */
  static async start({ timezone }: { readonly timezone: string }): Promise<MovedClock> {
    const missing = ensureDebian(clocks);
    if (missing !== undefined) throw new Error(missing);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-clock-'));
    // The server runs as another user if this is root.
    await chmod(folder, 0o755);
    const file = path.join(folder, 'offset');
    await writeFile(file, '+0', { mode: 0o644 });
    const faked = {
      LD_PRELOAD: library() ?? '',
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DISABLE_SHM: '1',
    };
    Object.assign(process.env, faked);
    const dataDir = path.join(folder, 'postgres');
    const server = await startPostgres({ dataDir, durable: false }).finally(() => {
      for (const name of Object.keys(faked)) Reflect.deleteProperty(process.env, name);
    });
    const secretsDir = path.join(folder, 'secrets');
    const database = 'clock';
    await setup({ ownerUrl: server.url, secretsDir, database });
    const urls = await serviceUrls({ ownerUrl: server.url, secretsDir, database });
    const ownerUrl = new URL(server.url);
    ownerUrl.pathname = `/${database}`;
    const moved = new MovedClock(ownerUrl.href, file, urls, async () => {
      await server.stop();
      await removePostgres(dataDir);
      await rm(folder, { recursive: true, force: true });
    });
    const store = await moved.store('revocation-scheduler');
    await store.query(`ALTER ROLE CURRENT_USER SET timezone = '${timezone}'`);
    await moved.drop();
    return moved;
  }

  /** From now on the server's clock is that far from the clock of this machine. */
  async move(seconds: number): Promise<void> {
    await writeFile(this.file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}`);
  }

  async store(service: ServiceName): Promise<Store> {
    const store = await openStore({ url: this.urls[service], schema: schemaOf(service), applicationName: `spec ${service}`, poolSize: 4 });
    this.stores.push(store);
    return store;
  }

  /** Closes the stores and empties the scheduler's tables, for the next spec. */
  async drop(): Promise<void> {
    await Promise.all(this.stores.splice(0).map((store) => store.close()));
    const owner = new pg.Client({ connectionString: this.ownerUrl });
    await owner.connect();
    await owner.query('TRUNCATE revocation_scheduler.fact, revocation_scheduler.aggregate');
    await owner.end();
    await this.move(0);
  }
}
