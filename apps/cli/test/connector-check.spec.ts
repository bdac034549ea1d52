/** `readmit connector check` before there is a target to look at, and its exit codes; what it finds is libs/connectors/test/*-check.*spec.ts. */
import { randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { atDesk, desk, json } from './cli-run.js';

atDesk();

const secret = `whsec_${randomBytes(32).toString('base64')}`;

/** A targets file with one receiver. */
async function targetsAt(url: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const [file, secretFile] = [path.join(desk.home, 'targets.json'), path.join(desk.home, 'secret')];
  await writeFile(secretFile, `${secret}\n`, { mode: 0o600 });
  const entry = { kind: 'webhook', name: 'tickets', url, secretFile, asks: ['group.restore'], can: ['read-back'], residualSeconds: 0 };
  await writeFile(file, JSON.stringify([{ ...entry, ...more }]), { mode: 0o600 });
  return file;
}

/** Denies a wrong signature by its name alone: `status` answers all others. */
async function withReceiver(statuses: readonly number[], work: (url: string) => Promise<void>): Promise<void> {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    const status = statuses[asked++] ?? 500;
    const body =
      status === 200 ? { at: desk.now.toISOString(), checks: [] } : { code: 'not-found', effect: 'none', message: 'no such account' };
    request.on('end', () => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('readmit connector check', () => {
  it('passes with 0, finds faults with 3, and says what to do', async () => {
    desk.now = new Date();
    await withReceiver([200, 401, 200, 409, 200, 409], async (url) => {
      const file = await targetsAt(url);
      const passed = await desk.run('connector', 'check', 'tickets', '--targets', file);
      expect([passed.code, passed.stderr]).toEqual([0, '']);
      expect(passed.stdout).toContain('The connector can work with this target. Nothing was changed.');
      desk.env['READMIT_TARGETS_FILE'] = file;
      const failed = await desk.run('connector', 'check', 'tickets');
      expect(failed.code).toBe(3);
      expect(failed.stdout).toContain('signature\ttoo much\t');
      expect(failed.stdout).toContain('signature: Anybody who reaches it could use it');
      expect(failed.stdout).toContain('Correct what is listed above. Nothing was changed.');
      const program = await desk.run('connector', 'check', 'tickets', '--json');
      expect(program.code).toBe(3);
      expect(json(program.stdout)).toMatchObject({
        target: 'tickets',
        kind: 'webhook',
        passed: false,
        checks: expect.arrayContaining([expect.objectContaining({ check: 'signature', result: 'too much', next: expect.any(String) })]),
      });
    });
  });

  it('ends with 8 if the target cannot be reached, and still prints each check', async () => {
    const { code, stdout } = await desk.run('connector', 'check', 'tickets', '--json', '--targets', await targetsAt('http://127.0.0.1:1/'));
    expect(code).toBe(8);
    expect(json(stdout)).toMatchObject({
      passed: false,
      checks: [{ check: 'connection', result: 'wrong' }, { result: 'not checked' }, {}, {}, {}],
    });
  });

  it('names what is wrong with the targets file, and never a secret of it', async () => {
    const said = async (...more: string[]): Promise<string> => {
      const { code, stdout, stderr } = await desk.run('connector', 'check', ...more);
      expect(stdout + stderr).not.toContain(secret);
      return `${code} ${stderr}`;
    };
    expect(await said('tickets')).toContain('2 error: There is no targets file');
    expect(await said('tickets', '--targets', path.join(desk.home, 'none.json'))).toMatch(
      /^2 error: There is no targets file[^]*none\.json/,
    );
    const file = await targetsAt('http://127.0.0.1:1/');
    expect(await said('ledger', '--targets', file)).toMatch(/^6 error: There is no target ledger[^]*Use one of: tickets/);
    await chmod(file, 0o644);
    expect(await said('tickets', '--targets', file)).toContain('2 error: A private file can be read by others');
    await chmod(file, 0o600);
    await targetsAt('http://tickets.example.com/');
    expect(await said('tickets', '--targets', file)).toMatch(
      /^2 error: The targets file is not valid: READMIT_TARGETS_FILE must give tickets a safe url/,
    );
    await targetsAt('http://127.0.0.1:1/', { color: 'green' });
    expect(await said('tickets', '--targets', file)).toMatch(/has wrong entries; \/0 must NOT have additional properties: color/);
    await writeFile(file, `[{"secret": ${secret}`);
    expect(await said('tickets', '--targets', file)).toContain('must name a JSON file with the target systems');
  });
});
