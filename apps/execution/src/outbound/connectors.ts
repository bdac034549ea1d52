import { TargetError, type Connector } from '@readmit/connectors';

export type Connectors = ReadonlyMap<string, Connector>;

/** The connector with that name, or an error that lists what is configured. */
export function connectorOf(connectors: Connectors, name: string): Connector {
  const connector = connectors.get(name);
  if (!connector)
    throw new TargetError(`no connector named ${name}; configured: ${[...connectors.keys()].join(', ')}`, 'none', 'unsupported');
  return connector;
}
