/** The introduction of the API document: how to form requests, and what signatures cover. Numbers come from the code that checks them. */
import { maxDepth } from '../json-depth.js';
import { proofFreshSeconds, proofHeader, proofSkewSeconds, proofType } from './proof.js';

/** By service, in the order of a case. */
export const tags = {
  intake: 'Cases: opening, reading and repudiating them; signals of identity providers.',
  classification: 'Contact points on record.',
  approval: 'Proofs and decisions.',
  execution: 'Plans, and secrets for pick-up.',
  'revocation-scheduler': 'Obligations; ending and containing cases.',
  audit: 'The log: checkpoints and export.',
} as const;

export const proofInShort = `Compact JWS made with the signing key of the case for this one request; see "Proving a case key".`;

export const guide = `Readmit governs the recovery of access: a case is opened, proved, approved by others, executed, and undone on time.

## Requests and responses

- Paths are exact: with an extra slash it is another path (404). HEAD is GET without the body; for any other method that a path does not
  have, the response is 405 with \`Allow\`.
- A body is JSON in UTF-8 of at most 256 KiB, sent as \`application/json\` without a Content-Encoding. A field or a query parameter that
  is not described here is refused (400), and so are U+0000 in any text, an unpaired surrogate, a duplicate name in an object, and
  nesting deeper than ${maxDepth} levels. A header that is not described here is ignored; so is \`Accept\`, except for errors.
- An error is a problem document (RFC 9457). Programs use \`reason\`; \`rule\` is the rule of Readmit that refused the request. A GET whose
  \`Accept\` has \`text/html\`, as browsers send it, may get a page for people instead.
- 202 means that the request is recorded; the case then continues by itself. A case reaches the other services a moment after intake: until
  then they respond with 409, the reason \`not-ready\` and \`Retry-After\`. So they do for a person in one of the case's teams who is not
  attested yet.
- Requests without a sign-in are limited by address, others by person; 429 has \`Retry-After\`.
- "JCS" is the canonical form of RFC 8785. A digest "of the JCS" is SHA-256 over its UTF-8 bytes, in lower-case hex.
- The examples of a case belong together and can serve as test vectors; those of the log only show its format. Their keys are those of
  RFC 8037, whose private halves are public: never use them for a case.

## Proving a case key

A requester without a sign-in creates a key pair for the case and proves its possession with each request. The header \`${proofHeader}\` is
a compact JWS (RFC 7515), signed with the Ed25519 key \`signing\`:

- protected header: \`alg\` is \`EdDSA\`, \`typ\` is \`${proofType}\`, \`jwk\` is the public key as \`{"kty":"OKP","crv":"Ed25519","x":"..."}\`
  and has no other member;
- payload, a JSON object with these claims and no others:
  - \`htm\`: the method, \`GET\` or \`POST\`;
  - \`htu\`: path and query as sent, without the origin, e.g. \`/api/intake/cases/case_1?x=y\`;
  - \`iat\`: now, in whole seconds since 1970; a proof is refused after ${proofFreshSeconds} seconds, and if it is more than ${proofSkewSeconds} seconds in the future;
  - \`jti\`: 16 to 64 of the characters \`A-Z a-z 0-9 . _ : -\`, new for each request: a proof is accepted once;
  - \`bodyDigest\`: SHA-256 over the bytes of the body, in base64url without padding; absent if there is no body.

A machine's consumer proves possession of its key in the directory in the same way.

## Opening a case without a sign-in

Create an Ed25519 and an X25519 key pair. \`caseKey\` of the request is \`{"signing":...,"sealing":...,"fingerprint":...}\`, both keys as
\`{"kty":"OKP","crv":"...","x":"..."}\` and the fingerprint the SHA-256 of the JCS of \`{"sealing":...,"signing":...}\`. Send the
request with a proof of that signing key. Keep the private keys: they are the only credential for the case.

## The code of a call-back

Once the case is classified, the holder of its key sees \`codeNonce\`. The code is the first eight hex digits of an HMAC-SHA-256 whose key is
the nonce and whose message is the fingerprint, both as text: \`3fa901bc...\` gives \`3fa9-01bc\`. The agent calls the number on record, has
the person read out the code, and records the proof with \`code\` and with \`contact\`, the digest of the contact point that was called. After
five wrong codes, no call-back counts for the case.

## Signing a decision

Read the approval. \`needs.evidence\` has each proof that the policy requires, with \`met\`; \`needs.quorum\` has each part of the quorum
with the people who have approved: a part is complete with \`part.count\` people from any of \`part.teams\` with at least
\`part.authority\`. Each human counts once, with whatever account. The requester, the subject, anyone who recorded a proof, and vendor staff
cannot approve.

1. Verify what you see: \`planDigest\` is the SHA-256 of the JCS of \`plan\`, \`policy.digest\` that of \`policy.document\`, and each
   \`evidence[].digest\` that of its fields; \`evidenceDigest\` is that of the list of \`{"digest":...,"id":...}\` of all proofs, sorted by id.
2. Create the statement: \`v\` 1, \`caseId\`, the three digests, \`decision\`, \`approver\` (the \`sub\` of the access token),
   \`decidedAt\` (now), \`nonce\` as shown, and \`reason\`.
3. Sign it as in DSSE v1: Ed25519 over the bytes of \`DSSEv1\`, a space, the length of the payload type, a space, the payload type, a space, the
   length of the payload, a space, the payload. The payload type is \`application/vnd.readmit.decision.v1+json\`, the payload is the JCS of the
   statement, and lengths are decimal numbers of bytes. The key must be listed for the approver in the signed directory; \`kid\` is its id there.
4. Send \`{"statement":...,"proof":{"type":"software-key","kid":...,"signature":...}}\`, the signature in base64url without padding.

If plan, proofs or policy have changed meanwhile, the response is 409 with \`plan-changed\`, \`evidence-changed\` or \`policy-changed\`: read
and sign again. A denial counts at any time before the grant, whatever it refers to: while there is no plan, its \`planDigest\` is the SHA-256
of the JCS \`null\`, and while there is no nonce, any value of that form is accepted.

## Picking up a secret

After the execution has succeeded, each recipient of the plan picks up what is sealed to its key: a compact JWE with \`alg\` \`ECDH-ES\` and
\`enc\` \`A256GCM\`, the plaintext a JSON object. It can be picked up again until its \`ciphertextDigest\` is acknowledged.
`;
