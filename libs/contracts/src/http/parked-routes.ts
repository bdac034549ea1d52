/** Messages that could not be taken: every service has the same routes for them. */
import { Type } from 'typebox';
import type { ServiceName } from '../events/entry.js';
import { Id, Instant, Text, closed, described, oneOf } from '../events/values.js';
import { orNull } from './case-shapes.js';
import type { Route } from './route.js';

const parkedStates = ['parked', 'redriven', 'discarded'] as const;
export const ParkedMessage = described(
  closed({
    id: described(Id, 'Set by Readmit: `parked_...`.'),
    topic: described(Id, 'The topic that it came on.'),
    partition: described(Type.Integer(), 'Its partition.'),
    offset: described(Type.String(), 'Its offset, as decimal digits.'),
    key: described(Type.String(), 'Its key as it came: anything may stand there.'),
    eventId: described(orNull(Type.String()), 'The id that the message claims; null when it claims none.'),
    type: described(orNull(Type.String()), 'The type that the message claims; null when it claims none that is known.'),
    reason: described(Id, 'Why it could not be taken, as a code.'),
    says: described(Text, 'Why it could not be taken.'),
    parkedAt: described(Instant, 'When.'),
    state: described(
      oneOf(parkedStates),
      '`parked`: waits for an operator. `redriven`: was tried again and taken. `discarded`: was given up.',
    ),
    headers: Type.Optional(described(Type.Record(Type.String(), Type.String()), 'Its headers; absent in lists.')),
    bytes: Type.Optional(described(Type.String(), 'Its value in base64; absent in lists.')),
  }),
  'A message that a service could not take.',
);
const Settling = closed({
  action: described(
    oneOf(['redrive', 'discard'] as const),
    '`redrive`: try it again; what still cannot be taken stays parked. `discard`: give it up.',
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
        says: 'Messages that this service could not take, with the reason.',
        query: closed({
          state: Type.Optional(described(oneOf(parkedStates), 'Messages in this state.')),
          limit: Type.Optional(
            described(Type.Integer({ minimum: 1, maximum: 1000 }), 'How many at most, the newest first; 100 when absent.'),
          ),
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
        says: 'Try a parked message again, or give it up; both are recorded.',
        body: Settling,
        response: ParkedMessage,
      },
    }) as unknown as Record<`${A}ListParked` | `${A}ShowParked` | `${A}SettleParked`, Route>;
  return { ...of('intake'), ...of('classification'), ...of('approval'), ...of('execution'), ...of('revocation'), ...of('audit') };
}
