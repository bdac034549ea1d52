/** Routes for parked messages, the same for every service. */
import { Type } from 'typebox';
import type { ServiceName } from '../events/entry.js';
import { Id, Instant, Text, closed, described, oneOf } from '../events/values.js';
import { orNull } from './case-shapes.js';
import type { Route } from './route.js';

const parkedStates = ['parked', 'redriven', 'discarded'] as const;
export const ParkedMessage = described(
  closed({
    id: described(Id, 'Set by Readmit: `parked_...`.'),
    topic: described(Id, 'Its topic.'),
    partition: described(Type.Integer(), 'Its partition.'),
    offset: described(Type.String(), 'Its offset, as decimal digits.'),
    key: described(Type.String(), 'Its key as received, which may be anything.'),
    eventId: described(orNull(Type.String()), 'The event id in the message; null if it has none.'),
    type: described(orNull(Type.String()), 'The event type in the message; null if it has none that is known.'),
    reason: described(Id, 'Why it could not be processed, as a code.'),
    says: described(Text, 'Why it could not be processed, as a sentence.'),
    parkedAt: described(Instant, 'When it was parked.'),
    state: described(
      oneOf(parkedStates),
      '`parked`: waits for an operator. `redriven`: was retried and processed. `discarded`: was discarded by an operator.',
    ),
    headers: Type.Optional(described(Type.Record(Type.String(), Type.String()), 'Its headers; absent in lists.')),
    bytes: Type.Optional(described(Type.String(), 'Its value in base64; absent in lists.')),
  }),
  'A message that a service could not process.',
);
const Settling = closed({
  action: described(
    oneOf(['redrive', 'discard'] as const),
    '`redrive`: retry it; if it still cannot be processed, it stays parked. `discard`: do not process it.',
  ),
});
const areas = {
  intake: 'intake',
  classification: 'classification',
  approval: 'approval',
  execution: 'execution',
  revocation: 'revocation-scheduler',
  audit: 'audit',
} as const;
export type Area = keyof typeof areas;
export const serviceOfArea = (area: Area): ServiceName => areas[area];
export const areaNames = Object.keys(areas) as Area[];

export function parkedRoutes() {
  const of = <A extends Area>(area: A) =>
    ({
      [`${area}ListParked`]: {
        service: areas[area],
        method: 'GET',
        path: `/api/${area}/parked`,
        access: 'operator',
        status: 200,
        says: 'Messages that this service could not process, with the reason.',
        query: closed({
          state: Type.Optional(described(oneOf(parkedStates), 'Messages in this state.')),
          limit: Type.Optional(described(Type.Integer({ minimum: 1, maximum: 1000 }), 'Maximum number, the newest first; 100 if absent.')),
        }),
        response: Type.Array(ParkedMessage),
      },
      [`${area}ShowParked`]: {
        service: areas[area],
        method: 'GET',
        path: `/api/${area}/parked/:parkedId`,
        access: 'operator',
        status: 200,
        says: 'One parked message with its bytes.',
        response: ParkedMessage,
      },
      [`${area}SettleParked`]: {
        service: areas[area],
        method: 'POST',
        path: `/api/${area}/parked/:parkedId`,
        access: 'operator',
        status: 202,
        says: 'Re-drive or discard a parked message; both are recorded.',
        body: Settling,
        response: ParkedMessage,
      },
    }) as unknown as Record<`${A}ListParked` | `${A}ShowParked` | `${A}SettleParked`, Route>;
  return { ...of('intake'), ...of('classification'), ...of('approval'), ...of('execution'), ...of('revocation'), ...of('audit') };
}
