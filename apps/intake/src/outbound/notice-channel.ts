import { httpDirectory } from '@readmit/signing';
import type { Store } from '@readmit/store';
import {
  choice,
  ConfigurationError,
  followedSecretLine,
  integer,
  matching,
  parser,
  secretLine,
  settings,
  textFile,
  webUrl,
  type Log,
  type Settings,
} from '@readmit/service';
import { isLoopback } from '@readmit/platform';
import { AddressWatch } from './address-watch.js';
import { isMailAddress } from './mail-address.js';
import { clientToken, mailboxService } from './mailbox-service.js';
import { NoticeAddresses, openAddresses } from './notice-addresses.js';
import { forgetDelivered, NoticeDeliveries } from './notice-deliveries.js';
import type { NoticeChannel } from './notice.js';
import { smtpNotices } from './smtp-notices.js';

/** `smtps://` anywhere, `smtp://` with STARTTLS; no credentials: those are a setting and a file. */
const smtpUrl = parser('smtp://mail.example.com:587', (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '' || url.port === '')
    throw new Error('must be smtps://host:port, or smtp://host:port for STARTTLS');
  if (url.username || url.password || url.hash || url.search || !['', '/'].includes(url.pathname))
    throw new Error('must be a URL without credentials, path, query or fragment');
  return url;
});

export const noticeSettings = settings({
  READMIT_NOTICE_CHANNEL: {
    says: 'How notices reach people: posted to a mailbox service, or mailed through an SMTP server.',
    parse: choice('mailbox', 'smtp'),
    default: 'mailbox' as const,
  },
  READMIT_MAILBOX_URL: {
    says: 'Where notices to people are posted.',
    parse: webUrl('http://127.0.0.1:7500/demo/mailbox'),
    default: undefined,
  },
  READMIT_TOKEN_URL: {
    says: 'Token endpoint for this service’s own client.',
    parse: webUrl('http://127.0.0.1:7500/token'),
    default: undefined,
  },
  READMIT_CLIENT_SECRET_FILE: {
    says: 'File (mode 0600) with the secret of the client readmit-intake.',
    parse: secretLine('secrets/readmit-intake.secret'),
    default: undefined,
  },
  READMIT_SMTP_URL: {
    says: 'SMTP server that sends the mail: smtps://host:port, or smtp://host:port with STARTTLS (on this machine without TLS).',
    parse: smtpUrl,
    // Somebody may write a password into it, which is refused and must not be shown.
    secret: true,
    default: undefined,
  },
  READMIT_SMTP_FROM: {
    says: 'Mail address that notices come from.',
    parse: parser('readmit@example.com', (text) => {
      if (!isMailAddress(text)) throw new Error('must be a mail address, without a name');
      return text;
    }),
    default: undefined,
  },
  READMIT_SMTP_USERNAME: {
    says: 'User name at the SMTP server; absent: no sign-in.',
    parse: matching(/^[\x21-\x7e]{1,255}$/, 'a name without blanks, at most 255 characters', 'readmit'),
    default: undefined,
  },
  READMIT_SMTP_PASSWORD_FILE: {
    says: 'File (mode 0600) with the password of that user; read again for each mail.',
    parse: followedSecretLine('secrets/smtp.password'),
    default: undefined,
  },
  READMIT_SMTP_CA_FILE: {
    says: 'File (PEM) with the CA certificates for the SMTP server; absent: those of Node.',
    parse: textFile('tls/smtp-ca.pem'),
    default: undefined,
  },
  READMIT_DIRECTORY_URL: {
    says: 'The signed directory of people and machines (compact JWS), for their mail addresses.',
    parse: webUrl('https://directory.example.com/directory.jws'),
    default: undefined,
  },
  READMIT_DIRECTORY_KEY: {
    says: 'Public Ed25519 key that signs the directory: x of its JWK, base64url.',
    parse: matching(
      /^[A-Za-z0-9_-]{43}$/,
      'the base64url x of an Ed25519 JWK (43 characters)',
      '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    ),
    default: undefined,
  },
  READMIT_DIRECTORY_CACHE_MS: {
    says: 'For how long a directory that was read is used again.',
    parse: integer(0, 600_000, 10_000),
    default: 10_000,
  },
  READMIT_NOTICE_ADDRESS_DAYS: {
    says: 'Days for which an address that is no longer in the directory still gets notices.',
    parse: integer(1, 365, 30),
    default: 30,
  },
  READMIT_NOTICES_PER_HOUR: {
    says: 'Mails an hour to one person about cases in which nothing was granted; further ones are sent later.',
    parse: integer(1, 10_000, 10),
    default: 10,
  },
});
type NoticeSettings = Settings<typeof noticeSettings>;
type Name = keyof NoticeSettings;

const ofMailbox = ['READMIT_MAILBOX_URL', 'READMIT_TOKEN_URL', 'READMIT_CLIENT_SECRET_FILE'] as const;
const ofSmtp = ['READMIT_SMTP_URL', 'READMIT_SMTP_FROM'] as const;
const ofSmtpToo = ['READMIT_SMTP_USERNAME', 'READMIT_SMTP_PASSWORD_FILE', 'READMIT_SMTP_CA_FILE'] as const;
const ofDirectory = ['READMIT_DIRECTORY_URL', 'READMIT_DIRECTORY_KEY'] as const;

/**
 * What is wrong with the settings together. Those of the directory are never refused: they are classification's too, and one file of
 * variables may serve all services.
 */
function faultsOf(values: NoticeSettings): readonly string[] {
  const channel = values.READMIT_NOTICE_CHANNEL;
  const [needed, others] =
    channel === 'mailbox' ? [ofMailbox, [...ofSmtp, ...ofSmtpToo]] : ([[...ofSmtp, ...ofDirectory], ofMailbox] as const);
  const missing = (name: Name, because: string): string => `${name}: is missing, but ${because}. ${noticeSettings[name].says}`;
  const other = channel === 'mailbox' ? 'smtp' : 'mailbox';
  const faults = [
    ...needed.filter((name) => values[name] === undefined).map((name) => missing(name, `READMIT_NOTICE_CHANNEL is ${channel}`)),
    ...others
      .filter((name) => values[name] !== undefined)
      .map((name) => `${name}: is for READMIT_NOTICE_CHANNEL=${other}, but that is ${channel}. Remove it, or change the channel.`),
  ];
  const { READMIT_SMTP_USERNAME: user, READMIT_SMTP_PASSWORD_FILE: password, READMIT_SMTP_CA_FILE: ca, READMIT_SMTP_URL: url } = values;
  if (user && !password) faults.push(missing('READMIT_SMTP_PASSWORD_FILE', 'READMIT_SMTP_USERNAME is set'));
  if (password && !user) faults.push(missing('READMIT_SMTP_USERNAME', 'READMIT_SMTP_PASSWORD_FILE is set'));
  if (ca && url?.protocol === 'smtp:' && isLoopback(url.hostname))
    faults.push('READMIT_SMTP_CA_FILE: is never used, because smtp:// on this machine has no TLS. Remove it, or use smtps://.');
  return faults;
}

/** @throws {ConfigurationError} a setting of the channel is missing, or one of the other channel is set. */
export async function openNoticeChannel(
  values: NoticeSettings,
  { store, log, now }: { readonly store: Store; readonly log: Log; readonly now: () => Date },
): Promise<NoticeChannel> {
  const faults = faultsOf(values);
  if (faults.length > 0) throw new ConfigurationError(faults);
  const { READMIT_MAILBOX_URL: mailbox, READMIT_TOKEN_URL: tokenUrl, READMIT_CLIENT_SECRET_FILE: secret } = values;
  if (mailbox !== undefined && tokenUrl !== undefined && secret !== undefined) {
    const client = { clientId: 'readmit-intake', clientSecret: secret.reveal(), scope: 'mailbox:write' };
    return { port: mailboxService(mailbox, clientToken({ tokenUrl, ...client })) };
  }
  const { READMIT_SMTP_URL: url, READMIT_SMTP_FROM: from, READMIT_DIRECTORY_URL: directoryUrl, READMIT_DIRECTORY_KEY: key } = values;
  if (!url || from === undefined || directoryUrl === undefined || key === undefined)
    throw new Error('this is a bug: a channel without settings');
  const { READMIT_SMTP_USERNAME: username, READMIT_SMTP_PASSWORD_FILE: password, READMIT_SMTP_CA_FILE: ca } = values;
  // Loaded for this channel alone: programs start faster without it.
  const { smtpRelay } = await import('./smtp-relay.js');
  const relay = smtpRelay({
    url,
    from,
    log,
    ...(username !== undefined && password ? { signIn: { username, password: password.reveal() } } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
  const directory = httpDirectory({ url: directoryUrl, key, cacheMs: values.READMIT_DIRECTORY_CACHE_MS, open: openAddresses });
  const watch = new AddressWatch(directory, new NoticeAddresses(store, values.READMIT_NOTICE_ADDRESS_DAYS), log, now);
  const deliveries = new NoticeDeliveries(store, values.READMIT_NOTICES_PER_HOUR);
  return {
    port: smtpNotices({ relay, addressesOf: (person, signal) => watch.of(person, signal), deliveries }),
    save: forgetDelivered,
    start: () => watch.start(),
    async close() {
      await watch.stop();
      relay.close();
    },
  };
}
