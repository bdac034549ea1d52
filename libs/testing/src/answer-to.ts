import { connect } from 'node:net';

/** Everything that a server answers to these bytes, which may be no HTTP at all, until it ends the connection. */
export function answerTo(url: string, bytes: string): Promise<string> {
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
