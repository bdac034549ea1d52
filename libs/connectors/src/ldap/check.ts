/**
 * `connector check` at an LDAP directory. OpenLDAP does not tell what an account may write. It checks rights before values, so the check asks to
 * delete a value that is not there: the answer is "no such value" (16) with the right and "insufficient access" (50) without it, and nothing can
 * change either way.
 */
import { Attribute, Change, EqualityFilter, NotFilter, PresenceFilter, ResultCodeError, type Filter } from 'ldapts';
import { TargetError } from '../connector.js';
import { CheckList, encryption, missing, note, ok, tooMuch, type CheckResult, type Found } from '../check.js';
import { byIds, idAt, type Directory } from './entries.js';
import { AssertionControl } from './ldap-controls.js';
import { resultCode, toTargetError, withSession, type Entry, type LdapSession, type SessionOptions } from './ldap-session.js';
import { SecretUnusable } from '../secret-file.js';
import { mustControl } from './plan-group.js';

const see = 'See "Connect your LDAP directory" in docs/targets.md.';
const checks = ['controls', 'canary', 'placeholder', 'groups', 'unlock', 'other rights'] as const;
const insufficientAccess = 50;
/** Groups whose rights are tried. */
const maxGroups = 200;
const maxNamed = 10;
/** A value that no entry has. */
const noValue = 'readmit connector check: this value does not exist';
const noLock = '19700101000000Z';

export async function checkLdap(options: SessionOptions, directory: Directory, signal: AbortSignal): Promise<readonly CheckResult[]> {
  const list = new CheckList();
  let connected = false;
  try {
    await withSession(options, signal, async (session) => {
      connected = true;
      list.add('connection', encryption(options.address.tls !== false));
      list.add('credentials', ok(`bound as ${options.bindDn}`));
      await inSession(list, session, directory, `${options.address.host}:${options.address.port}`);
    });
  } catch (error) {
    if (!connected)
      list.notConnected(error, {
        credentials: 'Check bindDn and the file passwordFile (mode 0600), and that no password policy has locked the executor.',
        tls: 'Name the authority of the certificate with caFile, and use the host name that is in the certificate.',
        isCredentials: error instanceof SecretUnusable || (error instanceof Error && error.cause instanceof ResultCodeError),
      });
    else await list.run('connection', 'The connection was lost during the check: run it again.', () => Promise.reject(error as Error));
    list.skip(checks.filter((check) => !list.results.some((one) => one.check === check)));
  }
  return list.results;
}

async function inSession(list: CheckList, session: LdapSession, directory: Directory, where: string): Promise<void> {
  // What the server refuses is the result of one check, and the others go on.
  const run = (check: string, next: string, work: () => Promise<Found | readonly Found[]>): Promise<void> =>
    list.run(check, next, () =>
      work().catch((error: unknown) => {
        throw error instanceof ResultCodeError ? toTargetError(error, { where, effect: 'none', stopped: false }) : error;
      }),
    );
  const { profile, people, groups } = directory;
  await run('controls', 'Use a server that supports them, e.g. OpenLDAP 2.5 or newer.', async () => {
    await mustControl(session);
    return ok();
  });
  await run(
    'canary',
    `Check base, and give the executor read access to its own entry and to what is below base (rule 3). ${see}`,
    async () => {
      await byIds(session, directory, []);
      return ok('sees its own entry');
    },
  );
  await run('placeholder', `Check groups.placeholder. ${see}`, async () => {
    const { placeholder } = groups;
    if (placeholder === undefined)
      return note('none: a group that must have a member (groupOfNames) is refused, because its last member could not be taken out');
    if ((await idAt(session, profile, placeholder)) !== undefined) return ok();
    return missing(`the executor does not see ${placeholder}`, `Create the entry, or correct groups.placeholder. ${see}`);
  });
  const [person] = await found(session, people.base, new PresenceFilter({ attribute: people.name }), 1);
  await run('groups', see, () => groupResults(session, directory, person));
  await run('unlock', see, async () => {
    if (!person) return nobody(directory);
    const code = await attempt(session, person.dn, 'delete', profile.lockedSince, noLock);
    if (code === resultCode.noSuchAttribute) return ok();
    return code === undefinedAttribute
      ? missing(`the server does not know ${profile.lockedSince}: it has no password policy`, 'Load the overlay ppolicy.')
      : missing(
          `the executor may not write ${profile.lockedSince} of ${person.dn}`,
          `Add rule 2: to dn.children="${people.base}" attrs=${profile.lockedSince} by <executor> write. ${see}`,
        );
  });
  await run('other rights', see, () => otherRights(session, directory, person));
}

const nobody = ({ people }: Directory): Found =>
  missing(`the executor sees no entry with ${people.name} below ${people.base}`, `Check people in the settings, and rule 3. ${see}`);

const found = (session: LdapSession, base: string, filter: Filter, most: number): Promise<readonly Entry[]> =>
  session.search(base, { scope: 'sub', filter, attributes: ['objectClass'], most }).catch((error: unknown) => {
    if (error instanceof ResultCodeError && error.code === resultCode.noSuchObject) return [];
    throw error;
  });

async function groupResults(session: LdapSession, directory: Directory, person: Entry | undefined): Promise<readonly Found[]> {
  const { profile, groups, bindDn } = directory;
  const visible = await found(session, groups.base, new PresenceFilter({ attribute: groups.name }), maxGroups);
  const known = visible.filter((one) => one.values('objectClass').some((name) => Object.hasOwn(profile.groups, name.toLowerCase())));
  if (known.length === 0)
    return [missing(`the executor sees no group below ${groups.base}`, `Check groups in the settings, and rule 3. ${see}`)];
  if (!person) return [nobody(directory)];
  const may: string[] = [];
  const faults: Found[] = [];
  for (const { dn, values } of known) {
    if (await mayChangeMember(session, directory, dn, bindDn))
      faults.push(
        tooMuch(
          `the executor may add itself to ${dn}`,
          `Limit its right to members below ${directory.people.base} (val.children, rule 0). ${see}`,
        ),
      );
    if (!(await mayChangeMember(session, directory, dn, person.dn))) continue;
    may.push(dn);
    const mustHaveMember = values('objectClass').some((name) => profile.groups[name.toLowerCase()] === true);
    const { placeholder } = groups;
    if (mustHaveMember && placeholder !== undefined && !(await mayChangeMember(session, directory, dn, placeholder)))
      faults.push(missing(`the executor may not put the placeholder into ${dn}`, `Add rule 1 for this group. ${see}`));
  }
  if (may.length === 0)
    faults.push(missing('the executor may change the members of no group', `Add rule 0 for each group that may be restored. ${see}`));
  if (faults.length > 0) return faults;
  const more = may.length > maxNamed ? ` and ${may.length - maxNamed} more` : '';
  return [
    ok(`may change the members of ${may.slice(0, maxNamed).join('; ')}${more}`),
    ...(visible.length === maxGroups ? [note(`there are more groups than ${maxGroups}: the others were not tried`)] : []),
  ];
}

async function otherRights(session: LdapSession, directory: Directory, person: Entry | undefined): Promise<readonly Found[]> {
  const tried: readonly (readonly [dn: string, attribute: string, what: string])[] = [
    [directory.base, 'description', `change ${directory.base}`],
    [directory.groups.base, 'description', `change ${directory.groups.base}`],
    ...(person
      ? ([
          [person.dn, 'userPassword', 'set passwords of people'],
          [person.dn, 'description', 'change people'],
        ] as const)
      : []),
  ];
  const can: string[] = [];
  for (const [dn, attribute, what] of tried) if (await mayDelete(session, dn, attribute, noValue)) can.push(what);
  if (can.length === 0) return [ok('none found')];
  return [
    tooMuch(
      `the executor may also ${can.join(', ')}`,
      can.length === tried.length
        ? `It looks like an administrator (olcRootDN): use an account of its own. ${see}`
        : `Take these rights away. ${see}`,
    ),
  ];
}

/** Whether the executor could make the entry a member and take it out again. */
async function mayChangeMember(session: LdapSession, { profile }: Directory, group: string, dn: string): Promise<boolean> {
  const member = new EqualityFilter({ attribute: profile.member, value: dn });
  const absent = await attempt(session, group, 'delete', profile.member, dn, new NotFilter({ filter: member }));
  if (absent !== resultCode.assertionFailed) return absent === resultCode.noSuchAttribute;
  // It is a member: adding it again changes nothing either.
  return (await attempt(session, group, 'add', profile.member, dn, member)) === resultCode.valueExists;
}

const mayDelete = async (session: LdapSession, dn: string, attribute: string, value: string): Promise<boolean> =>
  (await attempt(session, dn, 'delete', attribute, value)) === resultCode.noSuchAttribute;

/** A change that cannot take place: the result code. `condition`: what makes it impossible is checked by the server together with it. */
async function attempt(
  session: LdapSession,
  dn: string,
  operation: 'add' | 'delete',
  type: string,
  value: string,
  condition?: Filter,
): Promise<number> {
  const code = await session.modify(
    dn,
    [new Change({ operation, modification: new Attribute({ type, values: [value] }) })],
    condition === undefined ? [] : [new AssertionControl(condition)],
    [insufficientAccess, ...Object.values(resultCode), undefinedAttribute, constraintViolation],
  );
  if (code === 0) throw new TargetError(`${dn} had the value that no entry has: ${type}`, 'unknown', 'refused');
  return code;
}
const undefinedAttribute = 17;
const constraintViolation = 19;
