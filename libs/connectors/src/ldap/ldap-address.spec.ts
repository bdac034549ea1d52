import { describe, expect, it } from '@jest/globals';
import { ldapAddress } from './ldap-address.js';

describe('the address of a directory', () => {
  it('needs verified TLS, except on loopback', () => {
    expect(ldapAddress('ldaps://ldap.example.com')).toEqual({ host: 'ldap.example.com', port: 636, tls: {} });
    expect(ldapAddress('ldaps://[2001:db8::1]:1636/')).toEqual({ host: '2001:db8::1', port: 1636, tls: {} });
    expect(ldapAddress('ldap://127.0.0.1:1389')).toEqual({ host: '127.0.0.1', port: 1389, tls: false });
    expect(() => ldapAddress('ldap://ldap.example.com')).toThrow('must be an ldaps URL');
  });

  it.each([
    ['https://ldap.example.com', 'must be an LDAP URL'],
    ['ldaps://', 'must be an LDAP URL'],
    ['ldapi:///var/run/ldapi', 'must be an LDAP URL'],
    ['ldaps://cn=admin:secret@ldap.example.com', 'must not contain credentials'],
    ['ldaps://ldap.example.com/dc=acme', 'only host and port'],
    ['ldaps://ldap.example.com?sub', 'only host and port'],
  ])('is not %s', (url, message) => {
    expect(() => ldapAddress(url)).toThrow(message);
    expect(() => ldapAddress(url)).not.toThrow('secret');
  });

  it('has a readable CA file, and only with TLS', () => {
    expect(() => ldapAddress('ldaps://ldap.example.com', '/nowhere/ca.pem')).toThrow('ENOENT');
    expect(() => ldapAddress('ldap://127.0.0.1', '/nowhere/ca.pem')).toThrow('where caFile is given');
  });
});
