/** What a client needs to know to get an access token that is accepted. */
import { Type } from 'typebox';
import { closed, described } from '../events/values.js';

const text = Type.String({ minLength: 1 });

export const SignInWith = described(
  closed({
    issuer: described(text, 'The OpenID Connect issuer, as its tokens name it.'),
    audience: described(text, 'The audience that an access token must carry.'),
    stepUp: Type.Optional(
      described(
        closed({
          acrValues: described(Type.Array(text), 'Accepted values of `acr`, in order of preference; empty: any.'),
          maxAgeSeconds: described(Type.Integer({ minimum: 1 }), 'How old a sign-in (`auth_time`) may be.'),
        }),
        'What a decision asks of the sign-in behind it (R4.10).',
      ),
    ),
    tokens: Type.Optional(
      described(
        closed({
          types: described(Type.Array(text), 'Accepted values of the header `typ`.'),
          algorithms: described(Type.Array(text), 'Accepted algorithms of the signature.'),
          subjectClaim: described(text, 'The claim with the id of the person.'),
          teamsClaim: described(text, 'The claim with the teams of the person.'),
          clientIdClaim: described(text, 'The claim with the client that the token was issued to.'),
        }),
        'What an access token must look like.',
      ),
    ),
  }),
  'What a client needs to get an access token for the API.',
);
