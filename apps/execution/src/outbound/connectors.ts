import { TargetError, type Connector } from '@readmit/connectors';

export type Connectors = ReadonlyMap<string, Connector>;

/** The connector of that name, or an error that says what to configure. */
export function connectorOf(connectors: Connectors, name: string): Connector {
  const connector = connectors.get(name);
  if (!connector)
    throw new TargetError(`no connector is named ${name}; configured: ${[...connectors.keys()].join(', ')}`, 'none', 'unsupported');
  return connector;
}
