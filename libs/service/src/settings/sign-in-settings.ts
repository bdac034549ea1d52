import { idPattern, type routes } from '@readmit/contracts';
import { tokenAlgorithms, tokenTypes, usualTokenRules } from '@readmit/signing';
import type { Static } from 'typebox';
import { choice, integer, issuerUrl, list, matching } from './parsers.js';
import { settings, type Settings } from './settings.js';

const audience = matching(new RegExp(idPattern), 'letters, digits and . _ : / @ | + # ~ = % ! $ & * \\ -, at most 255', 'readmit-api');
const claim = (example: string) => matching(/^[!-~]{1,255}$/, 'the name of a claim, without blanks', example);
/** Stands between blanks and in quotes in a challenge (RFC 9470). */
const acr = matching(/^[!#-[\]-~]{1,255}$/, 'values of acr without blanks, quotes and backslashes', 'gold');

/** Which access tokens are accepted, and what a decision asks of the sign-in behind one. */
export const signInSettings = settings({
  READMIT_ISSUER: {
    says: 'URL of the OpenID Connect issuer that people sign in with, as its tokens name it.',
    parse: issuerUrl('https://sso.example.com/realms/acme'),
  },
  READMIT_AUDIENCE: { says: 'Audience that access tokens must carry.', parse: audience, default: 'readmit-api' },
  READMIT_STEP_UP_ACR: {
    says: 'Values of acr that a decision accepts, in order of preference, separated by commas; absent: any.',
    parse: list(acr),
    default: [] as readonly string[],
  },
  READMIT_STEP_UP_MAX_AGE_SECONDS: {
    says: 'How old the sign-in (auth_time) behind a decision may be.',
    parse: integer(30, 86_400, 300),
    default: 300,
  },
  READMIT_TOKEN_TYPES: {
    says: 'Header typ of access tokens that is accepted, separated by commas; JWT for issuers that cannot be set to RFC 9068.',
    parse: list(choice(...tokenTypes)),
    default: usualTokenRules.types as readonly string[],
  },
  READMIT_TOKEN_ALGORITHMS: {
    says: 'Algorithms that access tokens may be signed with, separated by commas.',
    parse: list(choice(...tokenAlgorithms)),
    default: usualTokenRules.algorithms as readonly string[],
  },
  READMIT_TOKEN_SUBJECT_CLAIM: {
    says: 'Claim with the id of the person.',
    parse: claim('preferred_username'),
    default: usualTokenRules.subjectClaim as string,
  },
  READMIT_TOKEN_TEAMS_CLAIM: {
    says: 'Claim with the list of teams of the person.',
    parse: claim('groups'),
    default: usualTokenRules.teamsClaim as string,
  },
  READMIT_TOKEN_CLIENT_ID_CLAIM: {
    says: 'Claim with the client that the token was issued to.',
    parse: claim('azp'),
    default: usualTokenRules.clientIdClaim as string,
  },
});

/** The same as the API shows it to clients. */
export function signInOf(values: Settings<typeof signInSettings>) {
  return {
    issuer: values.READMIT_ISSUER,
    audience: values.READMIT_AUDIENCE,
    stepUp: { acrValues: [...values.READMIT_STEP_UP_ACR], maxAgeSeconds: values.READMIT_STEP_UP_MAX_AGE_SECONDS },
    tokens: {
      types: [...values.READMIT_TOKEN_TYPES],
      algorithms: [...values.READMIT_TOKEN_ALGORITHMS],
      subjectClaim: values.READMIT_TOKEN_SUBJECT_CLAIM,
      teamsClaim: values.READMIT_TOKEN_TEAMS_CLAIM,
      clientIdClaim: values.READMIT_TOKEN_CLIENT_ID_CLAIM,
    },
  } satisfies Static<(typeof routes)['signInWith']['response']>;
}
