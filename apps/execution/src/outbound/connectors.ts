import { TargetError, type Connector } from '@readmit/connectors';

export type Connectors = ReadonlyMap<string, Connector>;

/**
 * The connectors, each named in what it throws: work may call several, and the circuit breaker must know which one cannot be reached.
 */
export const withNames = (connectors: Connectors): Connectors =>
  new Map([...connectors].map(([name, connector]) => [name, withName(name, connector)]));

function withName(name: string, connector: Connector): Connector {
  const named = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (error instanceof TargetError) error.connector = name;
      throw error;
    }
  };
  return {
    name: connector.name,
    capabilities: connector.capabilities,
    plan: (...about) => named(() => connector.plan(...about)),
    read: (...about) => named(() => connector.read(...about)),
    execute: (...about) => named(() => connector.execute(...about)),
    undo: (...about) => named(() => connector.undo(...about)),
    observe: (...about) => named(() => connector.observe(...about)),
    check: (...about) => connector.check(...about),
    close: () => connector.close(),
  };
}

/** The connector with that name, or an error that lists what is configured. */
export function connectorOf(connectors: Connectors, name: string): Connector {
  const connector = connectors.get(name);
  if (!connector)
    throw new TargetError(`no connector named ${name}; configured: ${[...connectors.keys()].join(', ')}`, 'none', 'unsupported');
  return connector;
}
