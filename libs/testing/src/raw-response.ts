import { connect } from 'node:net';

/** Everything that a server sends in response to these bytes, which need not be HTTP, until it closes the connection. */
export function rawResponse(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket
      .on('error', reject)
      .on('data', (chunk) => (text += String(chunk)))
      .on('end', () => resolve(text));
  });
}
