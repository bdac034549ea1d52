/** Ids as identity providers make them go through commands, keys, topics and parked messages as they are. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Engine } from '../src/index.js';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
let engine: Engine;
beforeAll(async () => {
  house = await openHouse();
  engine = await house.engine(toy);
  await engine.start();
});
afterAll(() => house.close());

const subs = [
  'auth0|5f7c8ec7c33c6c',
  'google-oauth2|117',
  'ada+readmit@example.test',
  'ACME\\erin',
  'erin#EXT#@tenant.example',
  'a'.repeat(129),
  'b'.repeat(255),
];

describe.each(subs)('R8.3 the person %s', (sub) => {
  it('is who a command was refused to, with the subject as key', async () => {
    const key = `subject:${sub}`;
    const refused = await engine.command({ key, name: 'openCase', actor: sub }, () => ({
      refused: true,
      as: 'forbidden',
      rule: 'R1.8',
      reason: 'not-a-person',
      message: 'No.',
    }));
    expect(refused).toMatchObject({ refused: { reason: 'not-a-person' } });
    const said = (await house.said('intake')).find((one) => one.type === 'readmit.intake.refused' && one.key === key);
    expect(said?.data).toMatchObject({ key, actor: sub });
  });

  it('reaches another service, and may settle what is parked', async () => {
    const caseId = `case-${subs.indexOf(sub)}`;
    await house.send('approval', [withdrawn(caseId, sub)]);
    await until(async () => (await engine.facts(caseId)).has('readmit.case.closed'), { what: 'it is taken' });
    const key = `subject:${sub}`;
    await house.send('approval', [{ ...withdrawn(caseId, sub), key }]);
    const parked = await until(async () => (await engine.parked.list({})).find((one) => one.key === key), { what: 'it is parked' });
    expect(await engine.parked.settle(parked.id, 'discard', sub)).toMatchObject({ state: 'discarded' });
    const said = (await house.said('intake')).filter((one) => one.type === 'readmit.intake.message-parked' && one.key === key);
    expect(said.map(({ data }) => data)).toMatchObject([{ action: 'parked' }, { action: 'discarded', by: sub }]);
  });
});

it('who is no id settles nothing, and is told why', async () => {
  await expect(engine.parked.settle('parked_1', 'discard', 'ada lovelace')).rejects.toThrow('it has the character U+0020');
});
