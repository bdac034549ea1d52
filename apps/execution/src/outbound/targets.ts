import { openTarget, targetsIn, type Connector, type Targets } from '@readmit/connectors';
import { secretFile } from '@readmit/service';

/** The whole file is secret: it holds the executors' passwords. */
export const targetsFile = secretFile('secrets/targets.json', (text) => {
  const { targets, secrets } = targetsIn(text);
  return { value: targets, texts: secrets };
});

/** Less than half the lease: a statement that was sent just before the call is aborted ends before the lease does. */
const limits = { callTimeoutMs: 4_000 };

export const openTargets = (targets: Targets): ReadonlyMap<string, Connector> =>
  new Map(targets.map((target) => [target.name, openTarget(target, limits)]));
