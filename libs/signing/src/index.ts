/** Signing and verifying: access tokens, service keys and their signed list, the signed directory, signatures of batches of events, event schemas. */
export {
  BearerVerifier,
  IssuerUnavailable,
  tokenAlgorithms,
  tokenParts,
  TokenRefused,
  tokenTypes,
  usualTokenRules,
} from './access-token.js';
export type { Bearer, BearerOptions, TokenPart, TokenReport, TokenRules } from './access-token.js';
export { crypto as engineCrypto, salted } from './crypto.js';
export { keyIdOf, recordLeafHash } from './hashing.js';
export { httpDirectory } from './http-directory.js';
export type { DirectoryPort, HttpDirectoryOptions } from './http-directory.js';
export { keyFiles, planKeyFiles } from './key-files.js';
export type { KeyFiles } from './key-files.js';
export { KeyRing, loadKeyRing, makeServiceKeys, makeSigningKey, signKeyList, whyNotToSign } from './key-ring.js';
export type { PublicJwk, RingKey } from './key-ring.js';
export { rotateServiceKey } from './rotate-key.js';
export type { Rotation, RotationOptions } from './rotate-key.js';
export { compileSchemas, schemaViolation } from './schemas.js';
export { checkDirectory, directoryKey, maxDirectoryBytes, openDirectory, signDirectory, verifiedDirectory } from './signed-directory.js';
export type { DirectorySnapshot } from './signed-directory.js';
export { Signer } from './signer.js';
export type { PrivateJwk } from './signer.js';
export { keyGraceMs, maxAgeDays, maxValueBytes, verifyRecord } from './verify-record.js';
export type { RefusedBecause, RefusedRecord, VerifiedRecord, VerifyOptions } from './verify-record.js';
