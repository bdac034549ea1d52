/** A mail server on this machine that delivers nothing: it keeps what intake sends as files, for the tour and for people who look. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface MailServer {
  readonly url: string;
  readonly folder: string;
  /** The mails to the address, headers included; long lines that the mailer broke (quoted-printable) are whole again. */
  to(address: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Accepts every mail and stores it as `<time>-<random>.eml` below a folder for its recipient, before it answers. */
export async function startMailServer(folder: string): Promise<MailServer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const folderOf = (address: string): string => path.join(folder, encodeURIComponent(address));
  const server = new SMTPServer({
    // On loopback without TLS and sign-in, as docs/notices.md allows.
    disabledCommands: ['STARTTLS', 'AUTH'],
    authOptional: true,
    closeTimeout: 100,
    logger: false,
    onData(stream, session, done) {
      const keep = async (): Promise<void> => {
        const mail = await buffer(stream);
        for (const { address } of session.envelope.rcptTo) {
          await mkdir(folderOf(address), { recursive: true, mode: 0o700 });
          await writeFile(path.join(folderOf(address), `${Date.now()}-${randomBytes(4).toString('hex')}.eml`), mail, { mode: 0o600 });
        }
      };
      keep().then(() => done(), done);
    },
  });
  // Clients that go away are not our problem.
  server.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    folder,
    async to(address) {
      const names = await readdir(folderOf(address)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      const mails = await Promise.all(names.toSorted().map((name) => readFile(path.join(folderOf(address), name), 'utf8')));
      return mails.map((mail) => mail.replaceAll(/=\r?\n/g, ''));
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
