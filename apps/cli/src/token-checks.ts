import type { routes } from '@readmit/contracts';
import { stepUpFault } from '@readmit/domain';
import type { TokenPart, TokenReport, TokenRules } from '@readmit/signing';
import type { Static } from 'typebox';

export interface CheckLine {
  readonly check: string;
  /** `note`: accepted, and there is something to know. */
  readonly result: 'ok' | 'wrong' | 'note' | 'not checked';
  readonly value?: string;
  readonly message?: string;
  readonly next?: string;
}
export interface CheckedFor extends Omit<Static<(typeof routes)['signInWith']['response']>, 'tokens'> {
  readonly tokens: Omit<TokenRules, 'issuer' | 'audience'>;
  readonly client: boolean;
  readonly now: Date;
}
type Told = Pick<CheckLine, 'result' | 'message' | 'next'>;

const names: Readonly<Record<TokenPart, string>> = {
  form: 'form',
  alg: 'algorithm',
  signature: 'signature and key',
  typ: 'typ',
  iss: 'iss',
  aud: 'aud',
  exp: 'exp',
  iat: 'iat',
  sub: 'subject',
  teams: 'teams',
  client_id: 'client',
  auth_time: 'auth_time',
  acr: 'acr',
};

/** One line for each check of the services, with what to set where one fails. */
export function tokenChecks(report: TokenReport, parts: readonly TokenPart[], asked: CheckedFor): readonly CheckLine[] {
  return parts.map((part): CheckLine => {
    const value = valueOf(part, report, asked);
    const told = toldOf(part, report, asked);
    return { check: names[part], ...(value === undefined ? {} : { value }), ...told };
  });
}

function toldOf(part: TokenPart, { faults, unchecked, claims }: TokenReport, asked: CheckedFor): Told {
  const fault = faults.get(part);
  if (fault) return { result: 'wrong', message: fault.message, next: nextOf(part, claims, asked) };
  if (unchecked.has(part)) return { result: 'not checked' };
  return absent(part, claims, asked) ?? { result: 'ok' };
}

/** What the services accept, and what not everything can be done with. */
function absent(part: TokenPart, claims: TokenReport['claims'], asked: CheckedFor): Told | undefined {
  const { teamsClaim, clientIdClaim } = asked.tokens;
  const next = nextOf(part, claims, asked);
  switch (part) {
    case 'teams':
      return claims[teamsClaim] === undefined
        ? { result: 'note', message: `There is no claim ${teamsClaim}: only operators and auditors need it.`, next }
        : undefined;
    case 'client_id':
      if (claims[clientIdClaim] !== undefined) return undefined;
      return {
        result: asked.client ? 'wrong' : 'note',
        message: `There is no claim ${clientIdClaim}: clients that publish signals need it.`,
        next,
      };
    case 'auth_time':
    case 'acr':
      return asked.client || !asked.stepUp ? undefined : forDecisions(part, claims, asked, asked.stepUp, next);
    default:
      return undefined;
  }
}

function forDecisions(
  part: 'auth_time' | 'acr',
  { auth_time: authTime, acr }: TokenReport['claims'],
  { now }: CheckedFor,
  stepUp: NonNullable<CheckedFor['stepUp']>,
  next: string,
): Told | undefined {
  // Each of the two is judged as if the other were right.
  const fault =
    part === 'auth_time'
      ? stepUpFault(typeof authTime === 'number' ? { authTime } : {}, { ...stepUp, acrValues: [] }, now)
      : stepUpFault({ authTime: now.getTime() / 1000, ...(typeof acr === 'string' ? { acr } : {}) }, stepUp, now);
  if (!fault) return undefined;
  const missing = fault.reason === 'auth-time-missing' || fault.reason === 'acr-missing';
  return missing
    ? { result: 'wrong', message: fault.says, next }
    : { result: 'note', message: `${fault.says} The CLI signs in again by itself.` };
}

function valueOf(part: TokenPart, { header, claims }: TokenReport, asked: CheckedFor): string | undefined {
  const { subjectClaim, teamsClaim, clientIdClaim } = asked.tokens;
  const at = (value: unknown): unknown =>
    typeof value === 'number' && Math.abs(value) < 8e12 ? new Date(value * 1000).toISOString() : value;
  const values: Readonly<Record<TokenPart, unknown>> = {
    form: undefined,
    alg: header['alg'],
    signature: header['kid'],
    typ: header['typ'],
    iss: claims['iss'],
    aud: claims['aud'],
    exp: at(claims['exp']),
    iat: at(claims['iat']),
    sub: claims[subjectClaim],
    teams: claims[teamsClaim],
    client_id: claims[clientIdClaim],
    auth_time: at(claims['auth_time']),
    acr: claims['acr'],
  };
  const value = values[part];
  if (value === undefined) return undefined;
  return (Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 200);
}

/** What to set, at the provider or here. Keycloak is named where its way is its own. */
function nextOf(part: TokenPart, claims: TokenReport['claims'], { issuer, audience, tokens, stepUp }: CheckedFor): string {
  const { types, algorithms, subjectClaim, teamsClaim, clientIdClaim } = tokens;
  const iss = typeof claims['iss'] === 'string' ? claims['iss'] : undefined;
  switch (part) {
    case 'form':
      return 'Give the access token alone: three parts with dots between them. An opaque token is not accepted; some providers issue a JWT only when an audience is requested.';
    case 'alg':
      return `Let the provider sign with ${algorithms.join(' or ')} (Keycloak: client, Advanced, Access token signature algorithm), or set READMIT_TOKEN_ALGORITHMS.`;
    case 'signature':
      return iss !== undefined && iss !== issuer
        ? `The token is of ${iss}, and the services take those of ${issuer} (READMIT_ISSUER).`
        : 'It was changed or cut on its way, or is of a key that the provider no longer has. Get a new one and copy the whole of it.';
    case 'typ':
      return `Keycloak: client, Advanced, 'Use "at+jwt" as access token header type' (attribute access.token.header.type.rfc9068). For a provider that cannot, set READMIT_TOKEN_TYPES=${[...new Set([...types, 'JWT'])].join(',')}.`;
    case 'iss':
      return `READMIT_ISSUER is ${issuer}${iss === undefined ? '' : `, the token says ${iss}`}. They must be equal to the last character; a slash at the end counts. Keycloak: the name follows the option hostname.`;
    case 'aud':
      return `Keycloak: client, Client scopes, <client>-dedicated, Add mapper, Audience: Included Custom Audience ${audience}, added to the access token. Or set READMIT_AUDIENCE.`;
    case 'exp':
      return 'Get a new token. If it is new, compare the clocks of the provider and of this machine.';
    case 'iat':
      return 'Every token needs iat, and the clocks of the provider and the services must agree within 5 s.';
    case 'sub':
      return `The claim ${subjectClaim} must be the id of the person in the directory (Keycloak: the client scope basic adds sub). Another claim: READMIT_TOKEN_SUBJECT_CLAIM.`;
    case 'teams':
      return `Keycloak: client, Client scopes, <client>-dedicated, Add mapper, Group Membership: Token Claim Name ${teamsClaim}, Full group path off. Another claim: READMIT_TOKEN_TEAMS_CLAIM.`;
    case 'client_id':
      return `Keycloak: client, Client scopes, <client>-dedicated, Add mapper, User Session Note: note client_id, Token Claim Name ${clientIdClaim}. Another claim, e.g. azp: READMIT_TOKEN_CLIENT_ID_CLAIM.`;
    case 'auth_time':
      return 'Have auth_time added to access tokens (Keycloak: the client scope basic adds it), in seconds since 1970. Decisions are refused without it.';
    case 'acr':
      return `Have acr added to access tokens (Keycloak: the client scope acr; levels under Realm settings, ACR to LoA Mapping). READMIT_STEP_UP_ACR asks for ${stepUp?.acrValues.join(' or ') || 'none'}.`;
  }
}
