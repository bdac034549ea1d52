import { describe, expect, it } from '@jest/globals';
import { securedDatabaseUrl } from './database-url.js';

describe('the URL of a database', () => {
  it.each(['db.example.org', '10.0.0.7', 'postgres', '[2001:db8::1]', '127.0.0.1.example.org'])(
    'of another machine (%s) is used with TLS that verifies the server, whether it says so or not',
    (host) => {
      expect(securedDatabaseUrl(`postgres://a:p%2541@${host}:5432/readmit`)).toBe(
        `postgres://a:p%2541@${host}:5432/readmit?sslmode=verify-full`,
      );
      expect(securedDatabaseUrl(`postgres://a@${host}/readmit?sslmode=verify-full`)).toBe(
        `postgres://a@${host}/readmit?sslmode=verify-full`,
      );
      expect(securedDatabaseUrl(`postgres://a@${host}/readmit?sslrootcert=ca.pem`)).toBe(
        `postgres://a@${host}/readmit?sslrootcert=ca.pem&sslmode=verify-full`,
      );
    },
  );

  it.each(['localhost', '127.0.0.1', '127.8.8.8', '[::1]', '%2Frun%2Fpostgresql'])('of this machine (%s) is used as it is', (host) => {
    const url = `postgres://a@${host}/readmit?sslmode=disable`;
    expect(securedDatabaseUrl(url)).toBe(url);
  });

  it.each([
    'sslmode=disable',
    'sslmode=prefer',
    'sslmode=require',
    'sslmode=verify-ca',
    'sslmode=no-verify',
    'sslmode=verify-full&sslmode=disable',
  ])('of another machine is refused with %s', (mode) => {
    expect(() => securedDatabaseUrl(`postgres://a@db.example.org/readmit?${mode}`)).toThrow(
      'must have sslmode=verify-full or none: to a host other than this machine TLS is always used and verified',
    );
  });

  it.each(['ssl=0', 'ssl=true', 'uselibpqcompat=true'])('of another machine is refused with %s', (parameter) => {
    expect(() => securedDatabaseUrl(`postgres://a@db.example.org/readmit?${parameter}`)).toThrow('TLS is always used and verified');
  });

  it('that names another machine in addition to this one does not count as local', () => {
    expect(securedDatabaseUrl('postgres://a@127.0.0.1/readmit?host=db.example.org')).toContain('sslmode=verify-full');
    expect(() => securedDatabaseUrl('postgres://a@127.0.0.1/readmit?host=db.example.org&sslmode=disable')).toThrow('verify-full');
  });

  it.each(['mysql://a@127.0.0.1/x', 'postgres', ''])('is refused when it is none: %s', (text) => {
    expect(() => securedDatabaseUrl(text)).toThrow('must be a PostgreSQL URL');
  });
  it('is refused when it names no host: the environment would', () => {
    expect(() => securedDatabaseUrl('postgres:///readmit')).toThrow('must be a PostgreSQL URL that names its host');
  });
});
