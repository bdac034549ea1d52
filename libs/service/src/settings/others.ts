/** `READMIT_*` variables that are somebody else's: no mistake, so a service passes over them. */

/**
 * Settings of single services and of the CLI: one file of variables may serve all of them, and a shell that somebody uses the CLI in too.
 * No service can see what another declares; a test keeps the list.
 */
export const settingsOfOthers: readonly string[] = [
  'READMIT_CHECKPOINT_SECONDS',
  'READMIT_CLIENT_SECRET_FILE',
  'READMIT_CONTACT_SALT_FILE',
  'READMIT_DEBUG',
  'READMIT_DIRECTORY_CACHE_MS',
  'READMIT_DIRECTORY_KEY',
  'READMIT_DIRECTORY_SOURCE_FILE',
  'READMIT_DIRECTORY_URL',
  'READMIT_HOME',
  'READMIT_LAST_CHECKPOINT_FILE',
  'READMIT_LOG_KEY_FILE',
  'READMIT_LOG_ORIGIN',
  'READMIT_MAILBOX_URL',
  'READMIT_NOTICES_PER_HOUR',
  'READMIT_NOTICE_ADDRESS_DAYS',
  'READMIT_NOTICE_CHANNEL',
  'READMIT_OPEN_PER_OBJECT',
  'READMIT_OPEN_PER_REQUESTER',
  'READMIT_OPEN_PER_SUBJECT',
  'READMIT_POLICY_FILE',
  'READMIT_PROVIDER_SOURCES',
  'READMIT_SMTP_CA_FILE',
  'READMIT_SMTP_FROM',
  'READMIT_SMTP_PASSWORD_FILE',
  'READMIT_SMTP_URL',
  'READMIT_SMTP_USERNAME',
  'READMIT_SWEEP_DAYS',
  'READMIT_SWEEP_PER_SECOND',
  'READMIT_SWEEP_SECONDS',
  'READMIT_TARGETS_FILE',
  'READMIT_TOKEN_URL',
  'READMIT_URL',
  'READMIT_WATCH_MS',
  'READMIT_WATCH_SECONDS',
];

const ofService =
  /^READMIT_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_PROTO|_PORT|_ADDR)?)$/;
const portOfService = /^READMIT_(?:[A-Z0-9_]+_)?PORT$/;

/** Kubernetes sets these in each container next to a Service whose name begins with `readmit`; `READMIT_PORT=8083` is nothing of it. */
export const fromKubernetes = (name: string, text: string): boolean =>
  ofService.test(name) || (portOfService.test(name) && /^(?:tcp|udp|sctp):\/\//.test(text));
