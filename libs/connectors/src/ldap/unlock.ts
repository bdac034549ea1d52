/** Lifts a lock that wrong passwords caused; the undo is a lock that does not expire. */
import type { Ask, Facet, Plan, Step, Undo } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { AndFilter, Attribute, Change, EqualityFilter, NotFilter, type Filter } from 'ldapts';
import { TargetError, type StepResult, type UndoResult } from '../connector.js';
import { mustBeAsPlanned } from '../as-planned.js';
import { facetName } from '../encoded-names.js';
import { byIds, byName, ownId, type Directory, type Found } from './entries.js';
import { personFacets } from './group-state.js';
import { AssertionControl } from './ldap-controls.js';
import { resultCode, type LdapSession } from './ldap-session.js';
import { plannedId } from './names.js';
import { mustControl } from './plan-group.js';

type Lock = 'no' | 'yes' | 'by-administrator';
type Named = Pick<Ask, 'connector' | 'object'>;

const lockedName = ({ connector, object }: Named): string => facetName(connector, object, 'locked');

/** By comparison: the server refuses it for an attribute that the executor may not see, rather than reporting it as absent. */
async function lockOf(session: LdapSession, { profile }: Directory, { dn }: Found): Promise<Lock> {
  const forGood = await session.compare(dn, profile.lockedSince, profile.lockedForGood);
  return forGood === undefined ? 'no' : forGood ? 'by-administrator' : 'yes';
}

async function personOf(session: LdapSession, directory: Directory, { object }: Named): Promise<Found> {
  const person = await byName(session, directory, directory.people, object);
  if (!person) throw new TargetError(`there is no ${object} below ${directory.people.base}`, 'none', 'not-found');
  return person;
}

const byAdministrator = (object: string): TargetError =>
  new TargetError(`${object} was locked by an administrator, not by wrong passwords: an administrator must unlock it`, 'none', 'refused');

export async function planUnlock(session: LdapSession, directory: Directory, ask: Ask): Promise<PlanParts> {
  const { connector, object } = ask;
  const { profile } = directory;
  await mustControl(session);
  const person = await personOf(session, directory, ask);
  if (person.id === (await ownId(session, directory)))
    throw new TargetError(`${object} is the executor itself: nothing can be restored to it`, 'none', 'refused');
  const lock = await lockOf(session, directory, person);
  if (lock === 'by-administrator') throw byAdministrator(object);
  const mustChange = (await session.compare(person.dn, profile.mustChange, 'TRUE')) === true;
  const untouched = [`the password of ${object}, and whether it must be changed`, `every group of ${object}`];
  // The plan does not depend on the lock: anyone who knows the name can cause one (R1.8).
  const before = personFacets(ask, person);
  if (lock === 'no') return { steps: [], obligations: [], removes: [], restores: [], untouched, before };
  const given = { connector, object, identity: [{ name: 'person', value: person.id }] };
  return {
    steps: [{ ...given, kind: 'account.unlock', recipients: [], touches: [lockedName(ask)], says: `Lift the lock of ${object}.` }],
    obligations: [
      {
        ...given,
        kind: 'enrolment.withdraw',
        armedBy: 'repudiation',
        unlessTakenOver: false,
        afterSeconds: 0,
        says: `If this is repudiated, frozen or contained, at any time: lock ${object} until an administrator unlocks it. Connections that it has open stay.`,
      },
    ],
    removes: [],
    restores: [`sign-in of ${object}, which was locked after bad passwords`],
    untouched,
    ...(mustChange ? { warnings: [`${object} must change its password at the next sign-in, and nothing else works until then.`] } : {}),
    before,
  };
}

export async function readPerson(session: LdapSession, directory: Directory, ask: Ask): Promise<Facet[]> {
  const person = await byName(session, directory, directory.people, ask.object);
  await byIds(session, directory, []);
  return personFacets(ask, person);
}

export async function unlock(session: LdapSession, directory: Directory, step: Step, plan: Plan): Promise<StepResult> {
  const person = await personOf(session, directory, step);
  if (person.id !== plannedId(step.identity, 'person'))
    throw new TargetError(`${step.object} is not the same entry as when the plan was made`, 'none', 'changed');
  mustBeAsPlanned(plan, personFacets(step, person));
  const { profile } = directory;
  const lock = await lockOf(session, directory, person);
  if (lock === 'by-administrator') throw byAdministrator(step.object);
  if (lock === 'yes') {
    const forGood = new EqualityFilter({ attribute: profile.lockedSince, value: profile.lockedForGood });
    await setLock(session, directory, person, [new NotFilter({ filter: forGood })], []);
  }
  const after = await lockOf(session, directory, person);
  if (after === 'by-administrator') throw byAdministrator(step.object);
  if (after !== 'no') throw new TargetError(`${step.object} is still locked after the change, or locked again`, 'unknown', 'unreachable');
  return { after: [...personFacets(step, person), { name: lockedName(step), value: after }], sealed: [] };
}

/** "This was not me": nobody can sign in with the account until an administrator unlocks it. */
export async function lockForGood(session: LdapSession, directory: Directory, undo: Undo): Promise<UndoResult> {
  const id = plannedId(undo.identity, 'person');
  const person = (await byIds(session, directory, [id])).get(id);
  // Deleted: nobody can sign in with it.
  if (!person) return { readBack: personFacets(undo, undefined), sessionsEnded: 0 };
  if ((await lockOf(session, directory, person)) !== 'by-administrator')
    await setLock(session, directory, person, [], [directory.profile.lockedForGood]);
  const after = await lockOf(session, directory, person);
  if (after !== 'by-administrator') throw new TargetError(`${undo.object} is not locked after the change`, 'unknown', 'changed');
  return { readBack: [...personFacets(undo, person), { name: lockedName(undo), value: 'yes' }], sessionsEnded: 0 };
}

/** Only if the entry is still the account and matches `also`. */
async function setLock(
  session: LdapSession,
  { profile }: Directory,
  person: Found,
  also: readonly Filter[],
  values: readonly string[],
): Promise<void> {
  const assertion = new AndFilter({ filters: [new EqualityFilter({ attribute: profile.id, value: person.id }), ...also] });
  await session.modify(
    person.dn,
    [
      new Change({
        // When the attribute is deleted, the overlay also clears the count of wrong passwords.
        operation: values.length === 0 ? 'delete' : 'replace',
        modification: new Attribute({ type: profile.lockedSince, values: [...values] }),
      }),
    ],
    [new AssertionControl(assertion)],
    [resultCode.assertionFailed, resultCode.noSuchAttribute],
  );
}
