import { CliError, usage } from './errors.js';

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Scheme, host and port of the API or issuer; https, or http on this machine, unless `allowHttp` says that the network is trusted. */
export function parseOrigin(text: string, option: string, allowHttp: boolean, { withPath = false } = {}): URL {
  if (!URL.canParse(text)) throw usage(`${option} is not an address: "${text}"`, 'Use a URL such as https://readmit.example.org.');
  const url = new URL(text);
  if (url.username || url.password) throw usage(`${option} contains a user name or password`, 'Remove it: sign in with readmit login.');
  if (!withPath && (url.pathname !== '/' || url.search || url.hash))
    throw usage(`${option} has a path`, 'Use the origin only, e.g. https://readmit.example.org.');
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw usage(`${option} must be https`, 'Use a URL such as https://readmit.example.org.');
  if (!loopback.has(url.hostname) && !allowHttp) {
    throw new CliError('usage', 'Tokens and proofs would be sent unencrypted', {
      where: text,
      next: 'Use https, or --insecure-http within a trusted network.',
    });
  }
  return url;
}
