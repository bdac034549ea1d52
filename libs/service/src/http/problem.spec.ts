import { describe, expect, it } from '@jest/globals';
import { problemOf } from './problem.js';

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
