import { uuidv7 } from '@readmit/platform';
import { verifyRecord } from '@readmit/signing';
import { logKey } from '@readmit/domain';
import { integer, matching, secretFile, serviceApp, textFile } from '@readmit/service';
import { createPrivateKey, createPublicKey, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { auditDefinition } from './audit.definition.js';
import { AuditEngine } from './audit-engine.js';
import { LogController, logPorts, type LogPorts } from './inbound/log.controller.js';
import { logFigures } from './outbound/log-figures.js';
import { logTools } from './outbound/log-crypto.js';
import { watchAfterSeconds } from './usecases/append-to-log.js';
import { checkOwnLog } from './usecases/check-own-log.js';

/** The key that signs checkpoints. @throws {Error} completes `READMIT_LOG_KEY_FILE`; never quotes the file. */
function readLogKey(text: string): {
  readonly value: { readonly secret: KeyObject; readonly x: string };
  readonly texts: readonly string[];
} {
  try {
    const jwk = JSON.parse(text) as JsonWebKey;
    const secret = createPrivateKey({ key: jwk, format: 'jwk' });
    const { x } = createPublicKey(secret).export({ format: 'jwk' });
    if (secret.asymmetricKeyType === 'ed25519' && x !== undefined && typeof jwk.d === 'string')
      return { value: { secret, x }, texts: [jwk.d] };
  } catch {
    // No cause on purpose: messages of JSON.parse quote the text, which is the key.
  }
  throw new Error('must name a file that holds a private Ed25519 JWK');
}

export const auditApp = serviceApp({
  name: 'audit',
  area: 'audit',
  settings: {
    READMIT_LOG_KEY_FILE: {
      says: 'File (mode 0600) with the private Ed25519 JWK that signs checkpoints; another one than the service key.',
      parse: secretFile('keys/log.jwk', readLogKey),
    },
    READMIT_LOG_ORIGIN: {
      says: 'Name of the log in its checkpoints; absent: readmit.example/log/<environment>. MUST never change.',
      parse: matching(/^[^+\s]{1,200}$/, 'a URL without scheme, spaces or +', 'audit.example.com/readmit'),
      default: undefined,
    },
    READMIT_LAST_CHECKPOINT_FILE: {
      says: 'File with the last checkpoint that was seen outside; the service refuses to start with a log that does not go on from it.',
      parse: textFile('checkpoints/latest'),
      default: undefined,
    },
    READMIT_CHECKPOINT_SECONDS: {
      says: 'Least seconds between checkpoints that are published and become entries.',
      parse: integer(0, 3600, 5),
      default: 5,
    },
    READMIT_WATCH_SECONDS: { says: 'Seconds between looks at cases whose end is due.', parse: integer(1, 3600, 10), default: 10 },
  },
  async build({ settings, store }) {
    const environment = settings.READMIT_ENVIRONMENT;
    const { secret, x } = settings.READMIT_LOG_KEY_FILE.reveal();
    const key = logKey(settings.READMIT_LOG_ORIGIN ?? `readmit.example/log/${environment}`, Buffer.from(x, 'base64url'), logTools);
    const ports: LogPorts = { store, export: { environment, key, keyList: () => settings.READMIT_KEY_LIST_FILE.text.trim() } };
    return {
      definition: auditDefinition,
      engine: ({ store: engineStore, bus, signer, ring, log, member, newId, maxBatch, observer }) =>
        new AuditEngine({
          environment,
          key,
          store: engineStore,
          bus,
          log,
          signNote: (message) => sign(null, message, secret),
          signEvents: (records) => signer.sign(environment, records),
          verify: (record, replayed) => verifyRecord(record, { ring, environment, now: new Date(), replayed }),
          newEventId: newId ?? uuidv7,
          checkStart: () => checkOwnLog(store, key, settings.READMIT_LAST_CHECKPOINT_FILE),
          checkpointEverySeconds: settings.READMIT_CHECKPOINT_SECONDS,
          watchAfterSeconds,
          watchEverySeconds: settings.READMIT_WATCH_SECONDS,
          member: member ?? uuidv7(),
          ...(observer?.span ? { openSpan: (about) => observer.span?.(about) } : {}),
          ...(maxBatch === undefined ? {} : { maxBatch }),
        }),
      figures: logFigures(store),
      controllers: [LogController],
      providers: [{ provide: logPorts, useValue: ports }],
    };
  },
});
