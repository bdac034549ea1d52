import { describe, expect, it } from '@jest/globals';
import { targetAddress } from './target-address.js';

const url = (host: string, rest = '/app') => `postgres://exec:pass-word@${host}${rest}`;

describe('address of a target', () => {
  it.each(['127.0.0.1', '127.8.9.1:6543', '[::1]:5433', 'localhost'])('needs no TLS on this machine: %s', (host) => {
    expect(targetAddress(url(host)).tls).toBe(false);
    expect(targetAddress(url(host, '/app?sslmode=verify-full')).tls).toEqual({ rejectUnauthorized: true });
  });

  it.each([
    'db.example.com',
    '10.0.0.7:5432',
    '[2001:db8::1]',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '128.0.0.1',
    '[::ffff:10.0.0.7]',
  ])('verifies certificate and name of every other host: %s', (host) => {
    expect(targetAddress(url(host)).tls).toEqual({ rejectUnauthorized: true });
  });

  it('uses only the URL', () => {
    expect(targetAddress('postgresql://ex%40ec:p%2Fw%25@[2001:db8::1]:6000/a%20b')).toMatchObject({
      host: '2001:db8::1',
      port: 6000,
      user: 'ex@ec',
      password: 'p/w%',
      database: 'a b',
    });
    expect(targetAddress(url('db.example.com'))).toMatchObject({ port: 5432 });
  });

  it.each([
    ['no URL at all', 'db.example.com', /must be a PostgreSQL URL that names a host/],
    ['another protocol', 'https://exec:pass-word@db.example.com/app', /must be a PostgreSQL URL that names a host/],
    ['no password', 'postgres://exec@db.example.com/app', /must name user, password and database/],
    ['no database', 'postgres://exec:pass-word@db.example.com', /must name user, password and database/],
    ['another host in the query', url('localhost', '/app?host=db.example.com'), /parameter host is not supported/],
    ['options in the query', url('localhost', '/app?options=-crole%3Dx'), /parameter options is not supported/],
    ['no verification', url('db.example.com', '/app?sslmode=no-verify'), /sslmode must be verify-full/],
    ['no encryption', url('db.example.com', '/app?sslmode=disable'), /sslmode must be verify-full/],
    [
      'a missing file of authorities',
      url('db.example.com', '/app?sslrootcert=/nowhere/ca.pem'),
      /cannot be read: \/nowhere\/ca.pem \(ENOENT\)/,
    ],
  ])('refuses %s, and does not repeat the password', (_what, text, says) => {
    expect(() => targetAddress(text)).toThrow(says);
    expect(() => targetAddress(text)).not.toThrow(/pass-word/);
    expect(targetAddress(url('db.example.com')).host).toBe('db.example.com');
  });
});
