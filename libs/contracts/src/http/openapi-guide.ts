/** What no single property of the API can say: how requests are formed, and what is signed over what. Numbers come from the code that checks them. */
import { maxDepth } from '../json-depth.js';
import { proofFreshSeconds, proofHeader, proofSkewSeconds, proofType } from './proof.js';

/** By service, in the order of a case. */
export const tags = {
  intake: 'Cases: opening, reading and repudiating them; signals of identity providers.',
  classification: 'Contact points on record.',
  approval: 'Proofs and decisions.',
  execution: 'Plans, and secrets for pick-up.',
  'revocation-scheduler': 'What must be undone; ending and containing cases.',
  audit: 'The log: checkpoints and export.',
} as const;

export const proofInShort = `Compact JWS made with the signing key of the case for this one request; see "Proving a case key".`;

export const guide = `Readmit governs the way back in: a case is opened, proved, approved by others, executed, and taken back on time.

## Requests and answers

- Paths are exact: one slash more is another path (404). HEAD is GET without the body; every other method that a path does not have is
  answered with 405 and \`Allow\`.
- A body is JSON in UTF-8 of at most 256 KiB, sent as \`application/json\` without a Content-Encoding. A field or a query parameter that
  is not described here is refused (400), and so is U+0000 in any text, half of a surrogate pair, a name that stands twice in an object, and
  nesting deeper than ${maxDepth} levels. A header that is not described here is passed over; \`Accept\` too, but for errors.
- An error is a problem document (RFC 9457). Programs go by \`reason\`; \`rule\` is the rule of Readmit that refused it. A GET whose
  \`Accept\` names \`text/html\`, as browsers do, may get a page for people in its place.
- 202 means that the request is recorded; the case then goes on by itself. Each service hears of a case a moment after intake: until then it
  answers 409 with the reason \`not-ready\` and \`Retry-After\`. So it does when it first hears of a person who may be of the case's teams.
- Requests without a sign-in are limited by address, others by person; 429 has \`Retry-After\`.
- "JCS" is the canonical form of RFC 8785. A digest "of the JCS" is SHA-256 over its UTF-8 bytes, in lower-case hex.
- The examples of a case belong together and can serve as test vectors; those of the log show its form alone. Their keys are those of
  RFC 8037, whose private halves everybody has: never use them for a case.

## Proving a case key

Who has no sign-in makes a key pair for the case and proves with each request to hold it. The header \`${proofHeader}\` is a compact JWS
(RFC 7515), signed with the Ed25519 key \`signing\`:

- protected header: \`alg\` is \`EdDSA\`, \`typ\` is \`${proofType}\`, \`jwk\` is the public key as \`{"kty":"OKP","crv":"Ed25519","x":"..."}\`
  and has no other member;
- payload, a JSON object with these claims and no others:
  - \`htm\`: the method, \`GET\` or \`POST\`;
  - \`htu\`: path and query as sent, without the origin, e.g. \`/api/intake/cases/case_1?x=y\`;
  - \`iat\`: now, in whole seconds since 1970; a proof is refused ${proofFreshSeconds} seconds later, and when it is more than ${proofSkewSeconds} seconds ahead;
  - \`jti\`: 16 to 64 of the characters \`A-Z a-z 0-9 . _ : -\`, new for each request: a proof is taken once;
  - \`bodyDigest\`: SHA-256 over the bytes of the body, in base64url without padding; absent when there is no body.

A machine consumer proves its key from the directory in the same way.

## Opening a case without a sign-in

Make an Ed25519 and an X25519 key pair. \`caseKey\` of the request is \`{"signing":...,"sealing":...,"fingerprint":...}\`, both keys as
\`{"kty":"OKP","crv":"...","x":"..."}\` and the fingerprint the SHA-256 of the JCS of \`{"sealing":...,"signing":...}\`. Send the
request with a proof of that signing key. Keep the private keys: they are the only credential for the case.

## The code of a call-back

Once the case is classified, \`codeNonce\` is shown to its key. The code is made of the first eight digits of the HMAC-SHA-256, in hex, whose
key is the nonce and whose message is the fingerprint, both as text: \`3fa901bc...\` gives \`3fa9-01bc\`. The agent calls the number on
record, lets the person read the code out, and records the proof with \`code\` and with \`contact\`, the digest of the contact point that was
called. After five wrong codes no call-back of the case counts any more.

## Signing a decision

Read the approval. \`needs.evidence\` has each proof that the policy asks for, with \`met\`; \`needs.quorum\` has each part of the
quorum with the people who fill it: a part is full with \`part.count\` people of any of \`part.teams\` who have at least
\`part.authority\`. Each person counts once, under whatever account. The requester, the subject, who recorded a proof and vendor staff cannot approve.

1. Check what is shown: \`planDigest\` is the SHA-256 of the JCS of \`plan\`, \`policy.digest\` that of \`policy.document\`, and each
   \`evidence[].digest\` that of its fields; \`evidenceDigest\` is that of the list of \`{"digest":...,"id":...}\` of all proofs, in the order of their ids.
2. Make the statement: \`v\` 1, \`caseId\`, the three digests, \`decision\`, \`approver\` (the \`sub\` of the access token),
   \`decidedAt\` (now), \`nonce\` as shown, and \`reason\`.
3. Sign it as DSSE v1 does: Ed25519 over the bytes of \`DSSEv1\`, a space, the length of the payload type, a space, the payload type, a space, the
   length of the payload, a space, the payload. The payload type is \`application/vnd.readmit.decision.v1+json\`, the payload is the JCS of the
   statement, and lengths are decimal numbers of bytes. The key is one that the signed directory lists for the approver; \`kid\` is its id there.
4. Send \`{"statement":...,"proof":{"type":"software-key","kid":...,"signature":...}}\`, the signature in base64url without padding.

When plan, proofs or policy have changed meanwhile the answer is 409 with \`plan-changed\`, \`evidence-changed\` or \`policy-changed\`: read and
sign again. A denial counts at any time before the grant and whatever it bound: while there is no plan its \`planDigest\` is the SHA-256 of the JCS
\`null\`, and while there is no nonce any value of that form does.

## Picking up a secret

When execution has succeeded, each recipient of the plan picks up what is sealed to its key: a compact JWE with \`alg\` \`ECDH-ES\` and
\`enc\` \`A256GCM\`, the plaintext a JSON object. It can be picked up again until its \`ciphertextDigest\` is acknowledged.
`;
