import { createTransport } from 'nodemailer';
import { createHash } from 'node:crypto';
import type { Log } from '@readmit/service';
import { isLoopback } from '@readmit/platform';

export interface SmtpRelayOptions {
  /** `smtps://host:port`, or `smtp://host:port` with STARTTLS. */
  readonly url: URL;
  readonly from: string;
  /** `password` reads its file: a new password counts from the next mail on. */
  readonly signIn?: { readonly username: string; readonly password: () => string };
  /** PEM of the authorities for the relay's certificate, instead of those of the operating system. */
  readonly ca?: string;
  readonly log: Pick<Log, 'warn'>;
  /** For one mail, from the connection to the response after DATA. */
  readonly mailMs?: number;
}

export interface Mail {
  /** Of the notice: each attempt has the same Message-ID, so that a mailbox can recognize a repetition. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}
/** `waiting`: refused for now, or unknown, because the connection ended before the response. `refused`: for good (5xx). */
export type Delivered = 'accepted' | 'waiting' | 'refused';

export interface SmtpRelay {
  /** Never rejects. Logs why a mail was not accepted, without the address and without what the server wrote, which may repeat it. */
  send(mail: Mail, signal: AbortSignal): Promise<Delivered>;
  close(): void;
}

interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly message?: string;
}

/** Mail through the relay of the installation, over one connection that is used again. The relay signs (DKIM) and queues. */
export function smtpRelay({ url, from, signIn, ca, log, mailMs = 8_000 }: SmtpRelayOptions): SmtpRelay {
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[(.+)\]$/, '$1');
  const local = isLoopback(host);
  let open: { readonly password: string | undefined; readonly transport: ReturnType<typeof transportWith> } | undefined;
  let closed = false;

  function transportWith(password: string | undefined) {
    return createTransport({
      pool: true,
      maxConnections: 1,
      // A mail whose connection closed is repeated by the work of its notice, which knows what was accepted.
      maxRequeues: 0,
      host,
      port: Number(url.port),
      secure,
      // Certificates are verified, and a password or an address never travels in clear; to this machine there is nobody to hide it from.
      ...(secure ? {} : local ? { ignoreTLS: true } : { requireTLS: true }),
      tls: { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
      ...(signIn && password !== undefined ? { auth: { user: signIn.username, pass: password } } : {}),
      connectionTimeout: mailMs,
      greetingTimeout: mailMs,
      dnsTimeout: mailMs,
      socketTimeout: mailMs,
      disableFileAccess: true,
      disableUrlAccess: true,
      logger: false,
    });
  }

  function transport() {
    if (closed) throw new Error('the relay is closed');
    const password = passwordNow();
    if (open && open.password === password) return open.transport;
    open?.transport.close();
    open = { password, transport: transportWith(password) };
    return open.transport;
  }

  /** A file that cannot be read while it is replaced is no reason to stop: the last password counts. */
  function passwordNow(): string | undefined {
    try {
      return signIn?.password();
    } catch (error) {
      log.warn({ err: error }, 'the file of READMIT_SMTP_PASSWORD_FILE cannot be read; the last password is used');
      return open?.password;
    }
  }

  return {
    async send({ id, to, subject, text }, signal) {
      try {
        await transport().sendMail({
          envelope: { from, to: [to] },
          from: { name: '', address: from },
          // To one address at a time: nobody learns the other addresses of a person from it.
          to: { name: '', address: to },
          subject,
          text,
          messageId: messageIdOf(id, from),
          date: new Date(),
          // RFC 3834: no out-of-office reply.
          headers: { 'Auto-Submitted': 'auto-generated' },
          xMailer: false,
          signal: AbortSignal.any([signal, AbortSignal.timeout(mailMs)]),
        });
        return 'accepted';
      } catch (error) {
        return failed(id, error as SmtpError);
      }
    },
    close() {
      closed = true;
      open?.transport.close({ force: true });
    },
  };

  function failed(noticeId: string, { code, command, responseCode, message }: SmtpError): Delivered {
    // 503 tells of the session, not of the mail. A failed sign-in (535) is repaired by an operator.
    const refused =
      responseCode !== undefined && responseCode >= 500 && responseCode !== 503 && (code === 'EENVELOPE' || code === 'EMESSAGE');
    // Before the connection stands, the relay knows no address that a text could repeat.
    const reason = command === 'CONN' && responseCode === undefined ? { reason: message } : {};
    log.warn({ noticeId, code, command, responseCode, ...reason }, 'the mail server did not accept a notice for one address');
    return refused ? 'refused' : 'waiting';
  }
}

/** A digest: ids are no header syntax, whatever they contain. */
export const messageIdOf = (noticeId: string, from: string): string =>
  `<${createHash('sha256').update(noticeId).digest('hex').slice(0, 40)}@${from.slice(from.lastIndexOf('@') + 1)}>`;
