import { routes, type Area, type RouteName } from '@readmit/contracts';
import type { ParkedMessages, Parked } from '@readmit/runtime';
import { Controller, type Type } from '@nestjs/common';
import type { Call } from './call.js';
import { ProblemError } from './problem.js';
import { Serves } from './serves.js';

/** The parked routes of one area; every service has them. `parked` is resolved on each call, because the engine starts later. */
export function parkedController(area: Area, parked: () => ParkedMessages): Type {
  const list = `${area}ListParked` as const;
  const show = `${area}ShowParked` as const;
  const settle = `${area}SettleParked` as const;
  for (const name of [list, show, settle] satisfies RouteName[]) {
    if (!(name in routes)) throw new Error(`this is a bug: the catalogue has no route ${name}`);
  }
  const found = (message: Parked | undefined): Parked => {
    if (!message) throw new ProblemError(404, 'no-such-parked-message', 'There is no parked message with this id.');
    return message;
  };

  @Controller()
  class ParkedController {
    @Serves(list)
    async listParked(call: Call<typeof list>): Promise<unknown> {
      return parked().list(call.query as { readonly state?: Parked['state']; readonly limit?: number });
    }
    @Serves(show)
    async showParked(call: Call<typeof show>): Promise<unknown> {
      return found(await parked().show(call.params['parkedId'] ?? ''));
    }
    @Serves(settle)
    async settleParked(call: Call<typeof settle>): Promise<unknown> {
      const { action } = call.body as { readonly action: 'redrive' | 'discard' };
      if (!call.actor) throw new Error('this is a bug: an operator route was reached without an actor');
      return found(await parked().settle(call.params['parkedId'] ?? '', action, call.actor.id));
    }
  }
  return ParkedController;
}
