import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether the host is this machine, where secrets may travel in clear. IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.+)\]$/, '$1');
  return bare === 'localhost' || (isIP(bare) !== 0 && loopback.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4'));
}

/** Throws unless secrets may travel to the URL: https, or http on this machine. */
export function mustBeHttps(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))))
    throw new Error('must be an https URL (http only for this machine)');
  if (url.username || url.password || url.hash || url.search) throw new Error('must be a URL without credentials, query or fragment');
}
