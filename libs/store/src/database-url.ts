/** Hosts of this machine: nobody sits on the way to them. */
const loopback = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[?::1\]?)$/;

/**
 * The URL with TLS that verifies the server, unless the server is on this machine: on any other path a man in the middle would be given the
 * password and everything after it. `sslrootcert` in the URL names a file with the authority; absent: those that Node trusts.
 * @throws {Error} not a PostgreSQL URL, or one that asks for less. The message completes "must" and quotes nothing: the URL holds a password.
 */
export function securedDatabaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw new Error('must be a PostgreSQL URL');
  const hosts = [url.hostname, ...url.searchParams.getAll('host')].map((host) => decodeURIComponent(host));
  const named = hosts.filter((host) => host !== '');
  if (named.length === 0) throw new Error('must be a PostgreSQL URL that names its host');
  // A folder is that of a socket.
  if (named.every((host) => host.startsWith('/') || loopback.test(host))) return text;
  for (const name of ['ssl', 'uselibpqcompat'])
    if (url.searchParams.has(name))
      throw new Error(`must not hold ${name}: to a host other than this machine TLS is always used and verified`);
  const modes = url.searchParams.getAll('sslmode');
  if (modes.some((mode) => mode !== 'verify-full'))
    throw new Error('must have sslmode=verify-full or none: to a host other than this machine TLS is always used and verified');
  url.searchParams.set('sslmode', 'verify-full');
  return url.href;
}
