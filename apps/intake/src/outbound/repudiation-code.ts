import { createHmac, timingSafeEqual } from 'node:crypto';

/** Crockford's base 32: nothing in it is taken for another character when it is copied from a letter. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 28 characters of 5 bits: 140 bits. */
const length = 28;

/**
 * What a notice carries so that whoever has it can say "this was not me" without a sign-in (R5.4). Made of the salt that only intake keeps.
 * It opens nothing, it only ends.
 */
export function repudiationCode(salt: string, caseId: string): string {
  const bytes = createHmac('sha256', salt).update(`readmit repudiation of ${caseId}`, 'utf8').digest();
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = Array.from({ length }, (_, n) => alphabet.charAt(Number.parseInt(bits.slice(n * 5, n * 5 + 5), 2)));
  return (characters.join('').match(/.{4}/g) ?? []).join('-');
}

/** In constant time for every code that is given: how much of it is right must not be measured. */
export function isRepudiationCode(given: string, salt: string, caseId: string): boolean {
  const plain = (code: string): Buffer =>
    createHmac('sha256', salt).update(code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')).digest();
  return timingSafeEqual(plain(given), plain(repudiationCode(salt, caseId)));
}
