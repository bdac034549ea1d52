import { createHmac, timingSafeEqual } from 'node:crypto';

/** Crockford's base 32: no two characters look alike, so that a code can be copied from a letter. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 28 characters of 5 bits: 140 bits. */
const length = 28;

/**
 * The code in a notice, with which anyone who has the notice can repudiate the case without a sign-in (R5.4). Derived from the salt, which
 * only intake stores. It gives no access: it can only end the case.
 */
export function repudiationCode(salt: string, caseId: string): string {
  const bytes = createHmac('sha256', salt).update(`readmit repudiation of ${caseId}`, 'utf8').digest();
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = Array.from({ length }, (_, n) => alphabet.charAt(Number.parseInt(bits.slice(n * 5, n * 5 + 5), 2)));
  return (characters.join('').match(/.{4}/g) ?? []).join('-');
}

/** Constant time: the response time must not tell how much of a code is right. */
export function isRepudiationCode(given: string, salt: string, caseId: string): boolean {
  const plain = (code: string): Buffer =>
    createHmac('sha256', salt).update(code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')).digest();
  return timingSafeEqual(plain(given), plain(repudiationCode(salt, caseId)));
}
