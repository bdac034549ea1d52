import { messageOf } from '@readmit/platform';
import { awaitOwnTopic, believe, createEngine, followKeyList } from '@readmit/runtime';
import { EmbeddedBus, KafkaBus, KafkaTopics } from '@readmit/bus';
import { loadKeyRing, Signer, whyNotToSign, type KeyRing, type PublicJwk } from '@readmit/signing';
import { isTransientSqlError, openStore, schemaOf, sqlStateOf, type Store } from '@readmit/store';
import type { Log } from './log/logger.js';
import type { Backing } from './service-app.js';
import { kafkaConnectionOf } from './settings/kafka-settings.js';
import type { ServiceSettings } from './settings/service-settings.js';
import { ConfigurationError } from './settings/settings.js';
import { openSpan } from './telemetry.js';

/** The store in PostgreSQL, the bus there or on Kafka, and the engine on them. */
export const realBacking: Backing = {
  async openStore(settings, service) {
    // Before anything is opened, so that settings which do not go together are told first.
    kafkaConnectionOf(settings);
    const url = databaseUrlOf(settings);
    try {
      return await openStore({ url, schema: schemaOf(service), applicationName: `readmit-${service}` });
    } catch (error) {
      throw notLetIn(error) ?? error;
    }
  },

  async openEngine({ definition, make = createEngine, settings, store, log, traceparent, observer, signal }) {
    const root: PublicJwk = { kty: 'OKP', crv: 'Ed25519', x: settings.READMIT_ROOT_KEY };
    const list = settings.READMIT_KEY_LIST_FILE;
    const ring = await believedRing(list.text, root, settings.READMIT_ENVIRONMENT, store);
    const whyNot = (kid: string): string | undefined => whyNotToSign(ring, definition.name, kid, new Date());
    const signer = new Signer(settings.READMIT_SERVICE_KEY_FILE.reveal(), whyNot);
    const why = whyNot(signer.kid);
    if (why !== undefined)
      throw new ConfigurationError([
        `READMIT_SERVICE_KEY_FILE: events of ${definition.name} would be rejected: ${why}. Configure the key of the service, or a READMIT_KEY_LIST_FILE that names it (readmit key rotate writes both).`,
      ]);
    const kafka = kafkaConnectionOf(settings);
    const common = {
      service: definition.name,
      store,
      onTrouble: (error: unknown) => log.warn({ err: error }, 'bus operation failed; retrying'),
    };
    if (kafka !== undefined) {
      const topics = new KafkaTopics(kafka, `readmit-${definition.name}-start`);
      const about = { service: definition.name, environment: settings.READMIT_ENVIRONMENT, ring, store, topics };
      const onForged = (error: string): void => log.error({ error }, "another process is publishing events signed with this service's key");
      await awaitOwnTopic({ ...about, signal, onForged, onTrouble: waits(log) }).finally(() => topics.close());
    }
    const bus = kafka === undefined ? await EmbeddedBus.open(common) : await KafkaBus.open({ ...common, connection: kafka, log });
    const engine = make({
      definition,
      store,
      bus,
      signer,
      ring,
      environment: settings.READMIT_ENVIRONMENT,
      log,
      traceparent,
      // Without an exporter there is no span to open, and nothing is spent on looking for one.
      observer: settings.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? observer : { ...observer, span: openSpan },
      ...(settings.READMIT_INSTANCE === undefined ? {} : { member: `${definition.name}-${settings.READMIT_INSTANCE}` }),
    });
    const environment = settings.READMIT_ENVIRONMENT;
    const about = { service: definition.name, environment, store, ring, root, list };
    const following = followKeyList({ ...about, kid: signer.kid, parked: engine.parked, log });
    return {
      engine,
      outbox: () => bus.outbox(),
      async close() {
        await following.close();
        await bus.close();
      },
    };
  },
};

/** @throws {ConfigurationError} the list is not to be believed: not of the root, of another environment, or older than one that was believed. */
async function believedRing(text: string, root: PublicJwk, environment: string, store: Store): Promise<KeyRing> {
  try {
    const ring = await loadKeyRing(text, root, environment);
    await believe(store, ring);
    return ring;
  } catch (error) {
    if (isTransientSqlError(error) || sqlStateOf(error) !== undefined) throw error;
    throw new ConfigurationError([`READMIT_KEY_LIST_FILE: ${messageOf(error)}.`]);
  }
}

/** PostgreSQL answers and refuses: no other try helps before somebody has put the setting right. */
function notLetIn(error: unknown): ConfigurationError | undefined {
  const state = sqlStateOf(error) ?? '';
  if (!/^28/.test(state) && state !== '3D000') return undefined;
  const says = messageOf(error);
  return new ConfigurationError([
    `DATABASE_URL: PostgreSQL refused the connection: ${says}. Use the role, password (DATABASE_PASSWORD_FILE) and database that readmit setup created.`,
  ]);
}

/** Logs the same error once, although the brokers are asked often. */
function waits(log: Log): (error: unknown) => void {
  let told: string | undefined;
  return (error) => {
    const says = messageOf(error);
    if (says !== told) log.warn({ err: error }, 'waiting to start: cannot read own topic on Kafka');
    told = says;
  };
}

/** The URL with the password of the file in it. Secret. */
function databaseUrlOf({ DATABASE_URL, DATABASE_PASSWORD_FILE }: ServiceSettings): string {
  if (DATABASE_PASSWORD_FILE === undefined) return DATABASE_URL.reveal();
  const url = new URL(DATABASE_URL.reveal());
  if (url.password) throw new ConfigurationError(['DATABASE_PASSWORD_FILE: DATABASE_URL contains a password too. Remove one of them.']);
  // As userinfo wants it: a password may hold any character.
  url.password = encodeURIComponent(DATABASE_PASSWORD_FILE.reveal());
  return url.href;
}
