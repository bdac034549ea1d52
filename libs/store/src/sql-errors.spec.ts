import { describe, expect, it } from '@jest/globals';
import { isTransientSqlError, sqlStateOf } from './sql-errors.js';

const withCode = (code: string): Error => Object.assign(new Error('from the driver'), { code });

describe('errors of the database', () => {
  it.each(['08006', '57P01', '57P03', '53300', '40001', '40P01', '57014', '55P03', '25P03'])(
    'SQLSTATE %s may pass: the same work is tried again',
    (code) => {
      expect(isTransientSqlError(withCode(code))).toBe(true);
      expect(isTransientSqlError(new Error('wrapped', { cause: withCode(code) }))).toBe(true);
    },
  );

  it.each(['42501', '42P01', '23505', '22P02', '28P01', '3D000'])('SQLSTATE %s lasts: trying again hides a fault', (code) => {
    expect(isTransientSqlError(withCode(code))).toBe(false);
  });

  it('a lost or refused connection may pass, whether told by a code or in words', () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE']) expect(isTransientSqlError(withCode(code))).toBe(true);
    expect(isTransientSqlError(new AggregateError([withCode('ECONNREFUSED')]))).toBe(true);
    expect(isTransientSqlError(new Error('Connection terminated unexpectedly'))).toBe(true);
  });

  it('what is not known is not transient', () => {
    for (const value of [undefined, null, 'ECONNREFUSED', 7, {}, new Error('some bug'), withCode('ENOENT')])
      expect(isTransientSqlError(value)).toBe(false);
  });

  it('finds the SQLSTATE below wrappers', () => {
    expect(sqlStateOf(Object.assign(new Error('TypeORM'), { driverError: withCode('23505') }))).toBe('23505');
    expect(sqlStateOf(withCode('ECONNREFUSED'))).toBeUndefined();
  });
});
