import { createEngine, EmbeddedBus, loadKeyRing, Signer } from '@readmit/bus';
import { openStore, schemaOf, type Store } from '@readmit/store';
import type { Backing } from './service-app.js';
import { ConfigurationError } from './settings/settings.js';
import { traced } from './telemetry.js';

/** The store in PostgreSQL, the embedded bus and the engine on them. */
export const realBacking: Backing = {
  async openStore(settings, service) {
    if (settings.KAFKA_BROKERS)
      throw new ConfigurationError([
        'KAFKA_BROKERS: the Kafka adapter comes with the next release. Leave it out: the embedded bus is used.',
      ]);
    return openStore({ url: settings.DATABASE_URL.reveal(), schema: schemaOf(service), applicationName: `readmit-${service}` });
  },

  async openEngine({ definition, make = createEngine, settings, store, log, traceparent }) {
    const ring = await loadKeyRing(settings.READMIT_KEY_LIST_FILE, { kty: 'OKP', crv: 'Ed25519', x: settings.READMIT_ROOT_KEY });
    const signer = new Signer(settings.READMIT_SERVICE_KEY_FILE.reveal());
    const bus = await EmbeddedBus.open({
      service: definition.name,
      store,
      onTrouble: (error) => log.warn({ err: error }, 'the bus tries again'),
    });
    const observed = settings.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? store : withSpans(store, definition.name);
    const engine = make({
      definition,
      store: observed,
      bus,
      signer,
      ring,
      environment: settings.READMIT_ENVIRONMENT,
      log,
      traceparent,
      ...(settings.READMIT_INSTANCE === undefined ? {} : { member: `${definition.name}-${settings.READMIT_INSTANCE}` }),
    });
    return { engine, close: () => bus.close() };
  },
};

/** A span around each transaction: a batch, a command, an intent or a result. */
const withSpans = (store: Store, service: string): Pick<Store, 'transaction' | 'query'> => ({
  transaction: (work) => traced('transaction', { 'readmit.service': service }, () => store.transaction(work)),
  query: (sql, parameters) => store.query(sql, parameters),
});
