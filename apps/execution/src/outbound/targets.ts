import { demoIdpConnector, postgresConnector, targetAddress, type Connector } from '@readmit/connectors';
import { closed, Id } from '@readmit/contracts';
import { secretFile, webUrl } from '@readmit/service';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Type, type Static } from 'typebox';

/** One target system: its name as asks call it, and the least-privileged account that acts on it. */
const Target = Type.Union([
  closed({
    kind: Type.Literal('postgres'),
    name: Id,
    url: Type.String({ minLength: 1 }),
    accounts: Type.Array(closed({ object: Id, ownerRole: Id, logins: Type.Array(Id, { minItems: 2, maxItems: 2, uniqueItems: true }) })),
  }),
  closed({
    kind: Type.Literal('demo-idp'),
    name: Id,
    url: Type.String({ minLength: 1 }),
    tokenUrl: Type.String({ minLength: 1 }),
    clientId: Id,
    clientSecret: Type.String({ minLength: 1 }),
  }),
]);
export const Targets = Type.Array(Target, { minItems: 1, maxItems: 50 });
export type Targets = Static<typeof Targets>;

const valid = new Ajv2020({ allErrors: true, strict: false, validateSchema: false }).compile(Targets);

/** The file is secret as a whole: it holds the executors' passwords. */
export const targetsFile = secretFile('secrets/targets.json', (text) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The message of JSON.parse quotes the text, which holds passwords.
    if (error instanceof SyntaxError) throw new Error('must name a JSON file with the target systems');
    throw error;
  }
  if (!valid(value))
    throw new Error(
      `must name a JSON array of target systems; ${(valid.errors ?? [])
        .slice(0, 5)
        .map((error) => `${error.instancePath || '/'} ${error.message ?? ''}`)
        .join('; ')}`,
    );
  const targets = value as Targets;
  for (const target of targets) {
    mustBeSafe(target);
    mustBeApart(target);
  }
  const names = targets.map((target) => target.name);
  if (new Set(names).size < names.length) throw new Error('must give every target system a name of its own');
  return {
    value: targets,
    texts: targets
      .flatMap((target) =>
        target.kind === 'postgres' ? [target.url, new URL(target.url).password, targetAddress(target.url).password] : [target.clientSecret],
      )
      .filter((secret) => secret !== ''),
  };
});

/** Secrets travel to a target on this machine, or encrypted to one whose certificate is verified. Says which target and field; never the URL. */
function mustBeSafe(target: Static<typeof Target>): void {
  const urls =
    target.kind === 'postgres'
      ? { url: () => targetAddress(target.url) }
      : { url: () => httpsOf(target.url), tokenUrl: () => httpsOf(target.tokenUrl) };
  for (const [field, read] of Object.entries(urls)) {
    try {
      read();
    } catch (error) {
      throw new Error(`must give ${target.name} a safe ${field}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/**
 * When nothing is on record of what a case made, the undo waits for a person as long as the owner role has an open login that bears no mark.
 * Under a shared owner role those are the logins of the other account, and the undo would never end.
 */
function mustBeApart(target: Static<typeof Target>): void {
  if (target.kind !== 'postgres') return;
  const owners = target.accounts.map(({ ownerRole }) => ownerRole);
  const twice = owners.find((owner, at) => owners.indexOf(owner) < at);
  if (twice !== undefined)
    throw new Error(`must give every account of ${target.name} an owner role of its own: ${twice} is the owner role of two`);
}

const httpsOf = webUrl('https://idp.example.com');

export function openTargets(targets: Targets): ReadonlyMap<string, Connector> {
  return new Map(
    targets.map((target) => [
      target.name,
      target.kind === 'postgres'
        ? postgresConnector({
            name: target.name,
            url: target.url,
            // Below half of the lease of the work: a statement sent last before the call is stopped is over when the lease ends.
            callTimeoutMs: 4_000,
            roles: target.accounts.map(({ object, ownerRole, logins }) => ({
              object,
              ownerRole,
              logins: [logins[0] ?? '', logins[1] ?? ''],
            })),
          })
        : demoIdpConnector({
            name: target.name,
            url: target.url,
            tokenUrl: target.tokenUrl,
            clientId: target.clientId,
            clientSecret: target.clientSecret,
          }),
    ]),
  );
}
