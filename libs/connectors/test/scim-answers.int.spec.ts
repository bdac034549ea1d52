/** Bad answers, and servers that do not do what others do. A proxy stands before a real scim2-server; where that is too small or too good, a script answers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ask, Plan } from '@readmit/contracts';
import { blockOf } from '@readmit/testing';
import { connectorKinds, scimConnector, type Connector } from '../src/index.js';
import { executed, planned, signal, undone } from './ldap-target.js';
import { answer, startProxy, type Passing, type Proxy } from './target-proxy.js';
import { connectorName, createGroup, createUser, membersOf, patch, startScimTarget, type ScimTarget } from './scim-target.js';

let target: ScimTarget;
let proxy: Proxy;
let connector: Connector;
let plan: Plan;
let erin: string;
let group: string;
let count = 0;

beforeAll(async () => {
  target = await startScimTarget();
  proxy = await startProxy(target.server.url);
});
afterAll(async () => {
  await proxy?.stop();
  await target?.stop();
});
beforeEach(async () => {
  proxy.use(() => false);
  count += 1;
  erin = await createUser(target.admin, `erin-${count}`);
  group = await createGroup(target.admin, `finance-${count}`);
  connector = target.at(proxy.url);
  plan = await planned(connector, ask());
  proxy.seen.splice(0);
});

const ask = (): Ask => ({ id: 'ask-1', kind: 'group.restore', connector: connectorName, object: erin, entitlement: `finance-${count}` });
const isPatch = ({ method }: Passing): boolean => method === 'PATCH';
const patches = (): number => proxy.seen.filter(isPatch).length;
const scimError = (status: number, detail: string): string =>
  JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail });

describe('a change that the server refuses', () => {
  it.each([
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'not-found'],
    [409, 'changed'],
    [413, 'refused'],
    [302, 'refused'],
  ])('by %i has no effect', async (status, code) => {
    proxy.use((passing, response) => isPatch(passing) && answer(response, status, scimError(status, 'no'), { location: '/elsewhere' }));
    await expect(executed(connector, plan)).rejects.toMatchObject({
      code,
      effect: 'none',
      message: expect.stringContaining(`answers ${status} to PATCH`),
    });
    expect(await membersOf(target.admin, group)).toEqual([]);
    expect(proxy.seen.map((one) => one.path).filter((one) => one.includes('elsewhere'))).toEqual([]);
    // The control: the same step at the same server, which does it.
    proxy.use(() => false);
    await executed(connector, plan);
    expect(await membersOf(target.admin, group)).toEqual([erin]);
  });

  it('is never repeated with the token in a message', async () => {
    const echo = (passing: Passing): string => scimError(403, `no\n${passing.headers.authorization ?? ''}`);
    proxy.use((passing, response) => isPatch(passing) && answer(response, 403, echo(passing)));
    const error: unknown = await executed(connector, plan).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain('(no Bearer ...)');
    expect((error as Error).message).not.toContain(target.server.token);
  });
});

describe('a removal that the server refuses', () => {
  it('is no undo, although the member is not seen, unless the server says that it is not there or the account is gone', async () => {
    const refuse = (scimType: string): void =>
      proxy.use((passing, response) => isPatch(passing) && answer(response, 400, JSON.stringify({ status: '400', scimType })));
    refuse('invalidPath');
    await expect(undone(connector, plan)).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('invalidPath'),
    });
    refuse('noTarget');
    await undone(connector, plan);
    refuse('invalidSyntax');
    await target.admin('DELETE', `/Users/${erin}`);
    await undone(connector, plan);
  });

  it('R6.3 is no undo by 404 as long as the account and the group are there, and is one when either was deleted', async () => {
    const notThere = async (passing: Passing, response: ServerResponse): Promise<boolean> =>
      isPatch(passing) && answer(response, 404, scimError(404, 'not found'));
    proxy.use(notThere);
    await expect(undone(connector, plan)).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('answers 404 to taking a member out'),
    });
    // Deleted between the look and the change.
    proxy.use(async (passing, response) => {
      if (isPatch(passing)) await target.admin('DELETE', `/Groups/${group}`);
      return notThere(passing, response);
    });
    await undone(connector, plan);
  });

  it('R6.3 is an undo by 404 where the account was deleted', async () => {
    await executed(connector, plan);
    await patch(target.admin, group, { op: 'remove', path: `members[value eq "${erin}"]` });
    await target.admin('DELETE', `/Users/${erin}`);
    proxy.use((passing, response) => isPatch(passing) && answer(response, 404, scimError(404, 'not found')));
    await undone(connector, plan);
  });

  it('is no undo where the member is seen', async () => {
    await executed(connector, plan);
    proxy.use((passing, response) => isPatch(passing) && answer(response, 400, JSON.stringify({ status: '400', scimType: 'noTarget' })));
    await expect(undone(connector, plan)).rejects.toMatchObject({ code: 'changed', message: expect.stringContaining('still in') });
  });
});

describe('an answer that leaves open what happened', () => {
  const broken: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['500', (response) => void answer(response, 500, 'oops')],
    ['nothing', (response) => void response.destroy()],
    ['half of it', (response) => void response.writeHead(500, { 'content-length': '100' }).write('{"sch', () => response.destroy())],
    ['408', (response) => void answer(response, 408, '')],
  ];
  it.each(broken)('R5.5 is read back after %s: the change was done', async (_what, reply) => {
    proxy.use(async (passing, response) => {
      if (!isPatch(passing)) return false;
      await passing.forward();
      reply(response);
      return true;
    });
    await executed(connector, plan);
    expect([await membersOf(target.admin, group), patches()]).toEqual([[erin], 1]);
    await undone(connector, plan);
    expect([await membersOf(target.admin, group), patches()]).toEqual([[], 2]);
  });

  it.each(broken)('R5.5 is unknown after %s where the change is not seen', async (_what, reply) => {
    const drop = (passing: Passing, response: ServerResponse): boolean => {
      if (isPatch(passing)) reply(response);
      return isPatch(passing);
    };
    proxy.use(drop);
    await expect(executed(connector, plan)).rejects.toMatchObject({ code: 'unreachable', effect: 'unknown' });
    proxy.use(() => false);
    await executed(connector, plan);
    proxy.use(drop);
    await expect(undone(connector, plan)).rejects.toMatchObject({ code: 'unreachable', effect: 'unknown' });
    expect(await membersOf(target.admin, group)).toEqual([erin]);
  });

  it('is read back after a time-out', async () => {
    const quick = scimConnector({
      ...{ name: connectorName, url: proxy.url, token: { tokenFile: target.tokenFile }, canary: target.canary },
      ...{ cacheSeconds: 300, callTimeoutMs: 1_000 },
    });
    proxy.use(async (passing) => {
      if (isPatch(passing)) await passing.forward();
      return isPatch(passing);
    });
    await executed(quick, plan);
    expect(await membersOf(target.admin, group)).toEqual([erin]);
    proxy.use(isPatch);
    await expect(undone(quick, plan)).rejects.toMatchObject({ code: 'timeout', effect: 'unknown' });
  });

  it('is not believed where a server says "done" and does nothing', async () => {
    proxy.use((passing, response) => isPatch(passing) && answer(response, 200, '{}'));
    await expect(executed(connector, plan)).rejects.toMatchObject({
      code: 'changed',
      effect: 'unknown',
      message: expect.stringContaining('does not show'),
    });
    proxy.use(() => false);
    await executed(connector, plan);
    proxy.use((passing, response) => isPatch(passing) && answer(response, 204, ''));
    await expect(undone(connector, plan)).rejects.toMatchObject({
      code: 'changed',
      effect: 'unknown',
      message: expect.stringContaining('still in'),
    });
  });
});

describe('a server that is busy', () => {
  it('is asked again after Retry-After, for a change and for a look', async () => {
    const put: string[] = [];
    proxy.use(({ method }, response) => {
      if (put.includes(method)) return false;
      put.push(method);
      return answer(response, 429, '', { 'retry-after': '0' });
    });
    await executed(connector, plan);
    expect([await membersOf(target.admin, group), put.toSorted(), patches()]).toEqual([[erin], ['GET', 'PATCH'], 2]);
  });

  it('is left alone after so many times, or when it wants to wait too long', async () => {
    proxy.use((passing, response) => isPatch(passing) && answer(response, 429, '', { 'retry-after': '0' }));
    await expect(executed(connector, plan)).rejects.toMatchObject({ code: 'unreachable', effect: 'none' });
    expect(patches()).toBe(4);
    proxy.use((passing, response) => isPatch(passing) && answer(response, 429, '', { 'retry-after': '3600' }));
    await expect(executed(connector, plan)).rejects.toMatchObject({ code: 'unreachable', effect: 'none' });
    expect(patches()).toBe(5);
  });
});

describe('a group that others change at the same time', () => {
  /** Somebody else adds a member between the look and the change, so often. */
  const race = (times: number): void => {
    let left = times;
    proxy.use(async (passing) => {
      if (isPatch(passing) && left > 0) {
        left -= 1;
        await patch(target.admin, group, { op: 'add', path: 'members', value: [{ value: `other-${left}` }] });
      }
      return false;
    });
  };

  it('R2.5 is changed only in the version that was read (If-Match), and is read again after 412', async () => {
    race(2);
    await executed(connector, plan);
    expect([await membersOf(target.admin, group), patches()]).toEqual([['other-0', 'other-1', erin].toSorted(), 3]);
    expect(proxy.seen.filter(isPatch).map(({ headers }) => headers['if-match'])).toEqual(
      expect.arrayContaining([expect.stringMatching(/^W\//)]),
    );
  });

  it('cannot hold up the undo, and the step says that it did nothing', async () => {
    race(100);
    await expect(executed(connector, plan)).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    race(0);
    await executed(connector, plan);
    race(100);
    await undone(connector, plan);
    expect(await membersOf(target.admin, group)).not.toContain(erin);
  });
});

describe('an answer to a look that proves nothing', () => {
  const is = (part: string) => (passing: Passing) => passing.method === 'GET' && decodeURIComponent(passing.path).includes(part);
  it.each<[string, string, number, string, string]>([
    ['a page of a gateway', '/Groups/', 200, '<html>', 'unreachable'],
    ['half an object', '/Groups/', 200, '{"id":', 'unreachable'],
    ['another group', '/Groups/', 200, '{"id":"another","displayName":"finance"}', 'refused'],
    ['another user', '/Users/', 200, '{"id":"another"}', 'refused'],
    ['no list', 'members.value', 200, '{}', 'refused'],
    ['a list that lacks what it counts', 'members.value', 200, '{"totalResults":3,"Resources":[]}', 'unreachable'],
    ['500', 'members.value', 500, '', 'unreachable'],
  ])('is refused: %s', async (_what, part, status, text, code) => {
    await executed(connector, plan);
    proxy.use((passing, response) => is(part)(passing) && answer(response, status, text));
    await expect(undone(connector, plan)).rejects.toMatchObject({ code });
    await expect(connector.read(ask(), signal)).rejects.toMatchObject({ code, effect: 'none' });
    proxy.use(() => false);
    await undone(connector, plan);
    expect(await membersOf(target.admin, group)).toEqual([]);
  });

  it('is refused: groups for a filter that the server ignores', async () => {
    const all = JSON.stringify({
      totalResults: 2,
      Resources: [
        { id: group, displayName: `finance-${count}` },
        { id: 'x', displayName: 'other' },
      ],
    });
    proxy.use((passing, response) => is('displayName eq')(passing) && answer(response, 200, all));
    await expect(planned(connector, ask())).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('does not filter'),
    });
  });

  it('is not believed: a search by member that finds every group for everybody', async () => {
    const ids = [target.canary.group, group];
    const all = JSON.stringify({ totalResults: 2, Resources: ids.map((id) => ({ id, displayName: 'any' })) });
    proxy.use((passing, response) => is('members.value')(passing) && answer(response, 200, all));
    // The lists of members decide then.
    const own = await planned(connector, ask());
    expect(own.warnings?.join('\n')).toContain('nested groups are not seen');
    await executed(connector, own);
    expect(await membersOf(target.admin, group)).toEqual([erin]);
    await undone(connector, own);
    expect(await membersOf(target.admin, group)).toEqual([]);
  });
});

describe('large groups', () => {
  const members = 100_000;
  const list = JSON.stringify(
    Array.from({ length: members }, (_, at) => ({
      value: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
      type: 'User',
      display: `Person ${at}`,
    })),
  );
  const withMembers = (more: string): string =>
    `{"id":${JSON.stringify(group)},"displayName":"finance-${count}","members":${list.slice(0, -1)}${more}]}`;
  const asksForMembers = ({ method, path: to }: Passing): boolean =>
    method === 'GET' && to.startsWith(`/v2/Groups/${group}`) && /[?&]attributes=members$/.test(to);
  const bySearch = ({ path: to }: Passing): boolean => to.includes('members.value');

  it('are not loaded where the server finds groups by a member', async () => {
    await executed(connector, plan);
    await undone(connector, plan);
    expect([await membersOf(target.admin, group), proxy.seen.filter(asksForMembers)]).toEqual([[], []]);
  });

  it('are read as a list where it does not, and one that is larger than the bound is refused', async () => {
    let more = '';
    proxy.use((passing, response) => {
      if (bySearch(passing)) return answer(response, 400, scimError(400, 'no such filter'));
      return asksForMembers(passing) && answer(response, 200, withMembers(more));
    });
    const own = await planned(connector, ask());
    expect([own.steps.length, own.warnings?.join('\n').includes('does not find groups by their members')]).toEqual([1, true]);
    more = `,{"value":${JSON.stringify(erin)}}`;
    expect((await connector.read(ask(), signal)).find(({ name }) => name.endsWith(`/group/finance-${count}`))?.value).toBe('member');
    more = `,{"value":"x","display":"${'x'.repeat(33 * 1024 * 1024)}"}`;
    await expect(connector.read(ask(), signal)).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('bytes'),
    });
  });
});

describe('settings', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
    await writeFile(path.join(folder, 'file'), '{}', { mode: 0o600 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const kind = connectorKinds.find((one) => one.kind === 'scim');

  it.each<[string, string, (file: string) => object, string]>([
    ['the first block', '2', () => ({}), ''],
    ['a URL without TLS', '2', () => ({ url: 'http://directory.example.com/scim' }), 'must give directory a safe url'],
    ['no token', '2', () => ({ tokenFile: undefined }), 'must give directory either tokenFile, or tokenUrl and credentialsFile'],
    [
      'two tokens',
      '2',
      (file) => ({ tokenUrl: 'https://directory.example.com/token', credentialsFile: file }),
      'must give directory either',
    ],
    ['a file without its folder', '2', () => ({ tokenFile: 'token' }), 'must give directory a safe tokenFile: must be an absolute path'],
    ['a file that is not there', '2', () => ({ tokenFile: '/nowhere/token' }), 'must give directory a safe tokenFile'],
    [
      'tokens of another origin',
      '3',
      () => ({ tokenUrl: 'https://other.example.com/token' }),
      'must give directory a safe tokenUrl: must have the origin of url',
    ],
  ])('are checked: %s', (_what, nth, more, message) => {
    const file = path.join(folder, 'file');
    const block =
      nth === '2' ? blockOf('docs/targets.md', 'Connect a SCIM server', 2) : blockOf('docs/targets.md', 'Connect a SCIM server', 3);
    const [entry] = JSON.parse(block) as [{ name: string }];
    const good = { ...entry, ...(nth === '2' ? { tokenFile: file } : { credentialsFile: file }) };
    expect(() => kind?.mustBeSafe(good)).not.toThrow();
    if (message !== '') expect(() => kind?.mustBeSafe({ ...good, ...more(file) })).toThrow(message);
  });
});
