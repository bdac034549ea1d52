/** What a start keeps: taken by one process at a time, removed whole or not at all, and readable after a power cut. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort, processMark } from '@readmit/servers';
import { assertPortsFree, keepBus, keptPorts, takeState, type Ports } from '../src/state-folder.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
/** A state folder with something in it. */
async function used(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-state-'));
  folders.push(folder);
  await mkdir(path.join(folder, 'demo'));
  await writeFile(path.join(folder, 'demo', 'people.json'), '{}');
  return folder;
}
const starter = async (pid: number): Promise<string> => JSON.stringify({ pid, mark: await processMark(pid) });

describe('a state folder', () => {
  it.each([true, false])('that a live process has is refused and left as it is (fresh: %s)', async (fresh) => {
    const folder = await used();
    await writeFile(path.join(folder, 'started-by.json'), await starter(process.ppid));
    await expect(takeState(folder, { fresh })).rejects.toThrow(
      `the data folder ${folder} is in use by process ${process.ppid}: stop it, or choose another data folder`,
    );
    expect(await readdir(path.join(folder, 'demo'))).toEqual(['people.json']);
  });

  it('is left as it is by --fresh when a live process has a database in it', async () => {
    const folder = await used();
    await mkdir(path.join(folder, 'database'));
    await writeFile(path.join(folder, 'database', 'started-by.json'), await starter(process.ppid));
    await expect(takeState(folder, { fresh: true })).rejects.toThrow(`in use by process ${process.ppid}`);
    expect(await readdir(path.join(folder, 'demo'))).toEqual(['people.json']);
  });

  it('that nobody has is taken as it is, and emptied with fresh', async () => {
    const folder = await used();
    const leave = await takeState(folder, { fresh: false });
    expect((await readdir(folder)).sort()).toEqual(['demo', 'started-by.json']);
    await leave();
    expect(await readdir(folder)).toEqual(['demo']);
    await takeState(folder, { fresh: true });
    expect(await readdir(folder)).toEqual(['started-by.json']);
  });
});

describe('a port that something else listens on', () => {
  it('is told before anything is started, with where it comes from', async () => {
    const kept: Ports = { database: await freePort(), target: await freePort(), demo: await freePort() };
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const taken = (server.address() as AddressInfo).port;
    try {
      await assertPortsFree(await freePort(), kept, 'ports.json');
      await expect(assertPortsFree(taken, kept, 'ports.json')).rejects.toThrow(
        `port ${taken} of 127.0.0.1 is in use: stop the process that listens there, or use another --port`,
      );
      await expect(assertPortsFree(await freePort(), { ...kept, target: taken }, '/state/ports.json')).rejects.toThrow(
        `port ${taken} of 127.0.0.1, which the first start chose for the target PostgreSQL, is in use: stop the process that listens there, or remove /state/ports.json`,
      );
    } finally {
      server.close();
      await once(server, 'close');
    }
  });
});

describe('a kept file', () => {
  it.each(['', '{"data', 'null'])('that holds %j says which it is and what to do', async (text) => {
    const folder = await used();
    const [ports, bus] = [path.join(folder, 'ports.json'), path.join(folder, 'bus.json')];
    await writeFile(ports, text);
    await writeFile(bus, text);
    await expect(keptPorts(ports)).rejects.toThrow(`${ports} is empty or broken: remove it to choose other ports`);
    await expect(keepBus(bus, folder, 'embedded')).rejects.toThrow(`${bus} is empty or broken: remove it and start on its original bus`);
  });

  it('is kept over starts, and made when there is none', async () => {
    const folder = await used();
    const [ports, bus] = [path.join(folder, 'ports.json'), path.join(folder, 'bus.json')];
    const first = await keptPorts(ports);
    expect(await keptPorts(ports)).toEqual(first);
    await keepBus(bus, folder, 'embedded');
    const before = await stat(bus);
    await keepBus(bus, folder, 'embedded');
    expect([await readFile(bus, 'utf8'), (await stat(bus)).ino]).toEqual(['{"bus":"embedded"}', before.ino]);
    await expect(keepBus(bus, folder, 'kafka')).rejects.toThrow('belongs to the embedded bus');
  });
});
