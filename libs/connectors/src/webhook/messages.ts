/** Messages between Readmit and a receiver, as docs/webhook-target.md describes them to authors of receivers. */
import { closed, Id, Identity, Instant, oneOf, stepKinds, type Ask, type RecipientKey, type Step, type Undo } from '@readmit/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Type, type Static, type TSchema } from 'typebox';

/** What a receiver may be asked for. Factors are restored at identity providers, which can show that a new one was enrolled. */
export const webhookAsks = ['role.restore', 'group.restore', 'account.unlock', 'secret.rotate', 'secret.reissue'] as const;

/** Version of these messages; a receiver MUST refuse another one. */
export const version = 1;

/** What a request is about, without names that only Readmit uses. */
interface About {
  readonly object: string;
  readonly entitlement?: string;
}
export type WebhookRequest =
  | {
      readonly call: 'plan';
      readonly ask: About & { readonly kind: Ask['kind'] };
      readonly durationSeconds: number;
      readonly overlapSeconds: number;
    }
  | { readonly call: 'read'; readonly ask: About & { readonly kind: Ask['kind'] } }
  /** By `readmit connector check`. A receiver need not know it. */
  | { readonly call: 'check' }
  | { readonly call: 'observe'; readonly caseId: string; readonly ask: About & { readonly kind: Ask['kind'] } }
  | {
      readonly call: 'execute';
      readonly caseId: string;
      /** The same for each repetition of the step. */
      readonly operation: string;
      readonly step: About & { readonly kind: Step['kind']; readonly identity: readonly Identity[] };
      /** RFC 3339. When Readmit will undo it; set as the target's own expiry where it has one. */
      readonly expiresAt: string;
      readonly facets: readonly LocalFacet[];
      readonly recipients: readonly RecipientKey[];
    }
  | {
      readonly call: 'undo';
      readonly caseId: string;
      readonly operation: string;
      readonly undo: About & { readonly kind: Undo['kind']; readonly identity: readonly Identity[]; readonly made: readonly Identity[] };
      readonly facets: readonly LocalFacet[];
    };
export type WebhookCall = WebhookRequest['call'];

/** State of the target, by names that are unique for one object. */
const LocalFacet = closed({ name: Type.String({ minLength: 1, maxLength: 80 }), value: Type.String({ maxLength: 2000 }) });
export type LocalFacet = Static<typeof LocalFacet>;
const Facets = Type.Array(LocalFacet, { minItems: 1, maxItems: 100 });
const Sentence = Type.String({ minLength: 1, maxLength: 500 });
const Sentences = Type.Optional(Type.Array(Sentence, { maxItems: 40 }));

const Planned = closed({
  facets: Facets,
  /** Ids of the target itself for what the step relies on, e.g. of the account. Compared by the receiver before each change. */
  identity: Type.Array(Identity, { minItems: 1, maxItems: 20 }),
  /** No step: the target already has what was asked for. */
  step: Type.Optional(
    closed({
      kind: oneOf(stepKinds),
      says: Sentence,
      /** How it is undone, as a sentence. */
      undoSays: Type.Optional(Sentence),
      /** Names of the facets that it changes. */
      touches: Type.Array(Type.String({ minLength: 1, maxLength: 80 }), { minItems: 1, maxItems: 20 }),
    }),
  ),
  /** The secret that the new one replaces. */
  old: Type.Optional(closed({ object: Id, identity: Type.Array(Identity, { minItems: 1, maxItems: 20 }), says: Sentence })),
  removes: Sentences,
  restores: Sentences,
  untouched: Sentences,
  warnings: Sentences,
});
export type Planned = Static<typeof Planned>;

/** What the receiver finds when it looks at its own system and rights. */
const Checked = closed({
  check: Type.String({ minLength: 1, maxLength: 80 }),
  result: oneOf(['ok', 'missing', 'too much', 'wrong', 'note', 'not checked'] as const),
  message: Type.Optional(Sentence),
  /** What to do about it. */
  next: Type.Optional(Sentence),
});

/** What a receiver answers with status 200, by call. */
export const answers = {
  /** `at`: the time at the receiver. */
  check: closed({ at: Instant, checks: Type.Array(Checked, { maxItems: 50 }) }),
  plan: Planned,
  read: closed({ facets: Facets }),
  observe: closed({ takenOver: Type.Optional(Type.Boolean()) }),
  execute: closed({
    made: Type.Optional(Type.Array(Identity, { maxItems: 20 })),
    sealed: Type.Optional(
      Type.Array(closed({ recipient: Type.String({ pattern: '^[0-9a-f]{64}$' }), jwe: Type.String({ maxLength: 20_000 }) }), {
        maxItems: 20,
      }),
    ),
  }),
  /** Sent only when the target shows that it is undone. */
  undo: closed({ undone: Type.Literal(true), sessionsEnded: Type.Integer({ minimum: 0 }) }),
} as const satisfies Record<WebhookCall, TSchema>;
export type Answer<C extends WebhookCall> = Static<(typeof answers)[C]>;

/** What a receiver answers with any other status. */
export const Refused = closed({
  code: oneOf(['not-found', 'refused', 'changed', 'unsupported'] as const),
  /** `none`: nothing was changed. */
  effect: oneOf(['none', 'unknown'] as const),
  message: Type.String({ minLength: 1, maxLength: 2000 }),
});
export type Refused = Static<typeof Refused>;

const ajv = new Ajv2020({ strict: false, validateSchema: false });
const checks = {
  check: ajv.compile(answers.check),
  plan: ajv.compile(answers.plan),
  read: ajv.compile(answers.read),
  observe: ajv.compile(answers.observe),
  execute: ajv.compile(answers.execute),
  undo: ajv.compile(answers.undo),
};
const isRefused = ajv.compile<Refused>(Refused);

/** The body as the answer to the call, or where it is wrong. Never quotes a value: it may hold a secret. */
export function answerOf<C extends WebhookCall>(call: C, body: unknown): { readonly answer: Answer<C> } | { readonly fault: string } {
  const check = checks[call];
  if (check(body)) return { answer: body as Answer<C> };
  const [first] = check.errors ?? [];
  return { fault: `${first?.instancePath || '/'} ${first?.message ?? 'is wrong'}` };
}
export const refusedOf = (body: unknown): Refused | undefined => (isRefused(body) ? body : undefined);
