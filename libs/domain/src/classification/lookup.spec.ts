/** The index finds the same people as a search. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { directory } from '../../test/simulated-services.js';
import { lookupOf } from './lookup.js';

const [template] = directory.people;
const [machine] = directory.machines;

describe('the lookup of a directory', () => {
  it('gives whom a look through all of it gives, in its order, also where an id stands twice', () => {
    const id = fc.constantFrom<string>('ada', 'boris', 'chidi', 'nobody');
    const team = fc.constantFrom<string>('security', 'help-desk', 'owners');
    const people = fc.array(fc.record({ id, teams: fc.uniqueArray(team) }), { maxLength: 8 });
    fc.assert(
      fc.property(people, fc.array(id), fc.uniqueArray(team), id, (some, ids, teams, one) => {
        const made = some.map((person) => ({ ...template, ...person })) as typeof directory.people;
        const found = lookupOf({ ...directory, people: made });
        expect(found.people(one)).toEqual(made.filter((person) => person.id === one));
        expect(found.matching(ids, teams)).toEqual(
          made.filter((person) => ids.includes(person.id) || person.teams.some((name) => teams.includes(name))),
        );
      }),
    );
    expect(lookupOf(directory).machines(machine?.id ?? '')).toEqual([machine]);
    expect(lookupOf(directory).machines('nobody')).toEqual([]);
  });
});
