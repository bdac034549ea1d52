/** The engine as a Nest microservice's transport: it runs while the application does. */
import { expect, it } from '@jest/globals';
import { EngineStrategy } from '../src/index.js';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn } from './engine-toy.js';

it('starts with listen, is ready by progress, and close leaves nothing running', async () => {
  const house = await openHouse();
  try {
    const engine = await house.engine(toy);
    const strategy = new EngineStrategy(engine);
    expect(await engine.progress()).toMatchObject({ ready: false, says: 'not started' });
    await new Promise<void>((resolve, reject) => strategy.listen((error) => (error ? reject(error as Error) : resolve())));
    expect(await engine.progress()).toMatchObject({ ready: true });
    await house.send('approval', [withdrawn('case-1')]);
    await until(() => engine.counters.messages === 1, { what: 'the message is taken' });
    await strategy.close();
    expect(await engine.progress()).toMatchObject({ ready: false, says: 'stopped', parked: 0 });
    await house.send('approval', [withdrawn('case-2')]);
    expect((await engine.facts('case-2')).all).toEqual([]);
  } finally {
    await house.close();
  }
});
