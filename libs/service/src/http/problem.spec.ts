import { describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { answerUnread, problemOf } from './problem.js';

const statusOf = (error: unknown): readonly [number, string] => {
  const { problem } = problemOf(error, 'request-1');
  return [problem.status, problem.reason];
};

describe('what becomes of an error that nobody expected', () => {
  it.each([
    ['a connection that was cut, which pg says in words only', new Error('Connection terminated unexpectedly')],
    ['the same, wrapped', new Error('no facts', { cause: new Error('Connection terminated during the transaction') })],
    ['a database that starts', Object.assign(new Error('the database system is starting up'), { code: '57P03' })],
    ['a database that is not there', Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })],
  ])('is 503 for %s: nobody made a mistake, and it passes', (_, error) => {
    expect(statusOf(error)).toEqual([503, 'backend-unavailable']);
  });

  it('control: is 500 for a bug', () => {
    expect(statusOf(new Error('this is a bug'))).toEqual([500, 'internal']);
    expect(statusOf(Object.assign(new Error('no such column'), { code: '42703' }))).toEqual([500, 'internal']);
  });
});

describe('what becomes of a mistake that fastify found', () => {
  it('R8.3 is told by its status, with Nest around it and without', () => {
    expect(statusOf(Object.assign(new Error('no type'), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }))).toEqual([
      415,
      'media-type',
    ]);
    expect(statusOf(Object.assign(new Error('no type'), { getStatus: () => 415 }))).toEqual([415, 'media-type']);
  });

  it('control: is 500 when the status is of another’s answer, or says that it was no mistake of the client', () => {
    for (const code of [undefined, 'E404'])
      expect(statusOf(Object.assign(new Error('the target says no'), { code, statusCode: 404 }))).toEqual([500, 'internal']);
    expect(statusOf(Object.assign(new Error('sent twice'), { code: 'FST_ERR_REP_ALREADY_SENT', statusCode: 500 }))).toEqual([
      500,
      'internal',
    ]);
  });
});

describe('what could not be read as a request', () => {
  it('is answered, and its connection is closed also when the client never closes its side', async () => {
    const server = createServer().on('clientError', answerUnread);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => client.write('NO HTTP\r\n\r\n'));
    try {
      let said = '';
      client.on('data', (bytes) => (said += String(bytes)));
      await new Promise<void>((resolve, reject) => client.on('error', reject).on('end', resolve));
      expect(said).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*"instance":"urn:readmit:request:req_[0-9a-f-]{36}"[^]*"reason":"malformed"/);
      const connections = () =>
        new Promise<number>((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
      await until(async () => (await connections()) === 0, { what: 'the connection is closed' });
    } finally {
      client.destroy();
      server.close();
    }
  });
});
