import type { Area, ServiceName } from '@readmit/contracts';
import type { Bus } from '@readmit/bus';
import type { Commands, Engine, EngineObserver, EngineOptions, EmittedEvent, ServiceDefinition, ServiceRuntime } from '@readmit/runtime';
import type { Store } from '@readmit/store';
import type { Provider, Type } from '@nestjs/common';
import type { Log } from './log/logger.js';
import type { ServiceSettings } from './settings/service-settings.js';
import type { Settings, SettingsSpec } from './settings/settings.js';

/** What an app gets to build itself from. */
export interface BuildContext<S extends SettingsSpec = SettingsSpec> {
  readonly settings: ServiceSettings & Settings<S>;
  readonly log: Log;
  readonly store: Store;
  /** Works once the service has started; for handlers, not for `build` itself. */
  readonly commands: Commands;
  /** `newId('case')` -> `case_0190...`: a UUIDv7 with the prefix. */
  newId(prefix: string): string;
  readonly now: () => Date;
}
/** What a service shows at /metrics besides what every service does. Names are without `readmit_`; texts say when to worry. */
export interface ServiceFigures {
  readonly gauges?: Readonly<Record<string, string>>;
  /** Values of the gauges, read at each scrape: MUST be cheap, and MUST NOT be of anybody. */
  read?(): Promise<Readonly<Record<string, number>>>;
  /** Histograms of how long something took, told by the event that ends it. */
  readonly waits?: Readonly<
    Record<
      string,
      {
        readonly says: string;
        readonly buckets: readonly number[];
        /** Seconds, when the event ends such a wait. */
        of(event: EmittedEvent): number | undefined;
      }
    >
  >;
}
export interface BuiltService {
  readonly definition: ServiceDefinition;
  /** Makes the engine instead of `createEngine`: for audit, which keeps a log and no facts. */
  readonly engine?: (options: EngineOptions) => ServiceRuntime | Engine;
  readonly controllers: readonly Type[];
  readonly providers?: readonly Provider[];
  /** Runs once the engine has started and before requests are taken: what must be on record first. */
  started?(): Promise<void>;
  readonly figures?: ServiceFigures;
  /** Closes what `build` opened; runs after the engine has stopped. */
  close?(): Promise<void>;
}
/** One of the six services. */
export interface ServiceApp<S extends SettingsSpec = SettingsSpec> {
  readonly name: ServiceName;
  readonly area: Area;
  /** Settings in addition to those of every service. */
  readonly settings: S;
  build(context: BuildContext<S>): Promise<BuiltService>;
}

/** Keeps the settings' types for `build`. */
export const serviceApp = <const S extends SettingsSpec>(app: ServiceApp<S>): ServiceApp<S> => app;

/** Where a service's store and engine come from: the real ones in `backing.ts`; specs bring small fakes. */
export interface Backing {
  openStore(settings: ServiceSettings, service: ServiceName): Promise<Store>;
  openEngine(options: {
    readonly definition: ServiceDefinition;
    readonly make?: (options: EngineOptions) => ServiceRuntime | Engine;
    readonly settings: ServiceSettings;
    readonly store: Store;
    readonly log: Log;
    readonly traceparent: () => string | undefined;
    readonly observer: EngineObserver;
    /** The service is told to stop while it starts. */
    readonly signal: AbortSignal;
  }): Promise<{
    /** Without commands: a service that takes none. */
    readonly engine: ServiceRuntime | Engine;
    readonly outbox?: Bus['outbox'];
    /** Closes what the engine stood on (the bus); runs after the engine has stopped. */
    close(): Promise<void>;
  }>;
}
