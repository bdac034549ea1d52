import { TargetError, type Connector } from '@readmit/connectors';

export type Connectors = ReadonlyMap<string, Connector>;

/** The connector of that name, or an error that says what to configure. */
export function connectorOf(connectors: Connectors, name: string): Connector {
  const connector = connectors.get(name);
  if (!connector)
    throw new TargetError(`no connector is named ${name}; configured: ${[...connectors.keys()].join(', ')}`, 'none', 'unsupported');
  return connector;
}

/** Backoff of work that could not reach its target: 1, 2, 4 ... 60 s. */
export const retryAt = (now: Date, tries: number): Date => new Date(now.getTime() + Math.min(60, 2 ** (tries - 1)) * 1000);
