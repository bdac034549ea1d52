/**
 * An address that mail may be sent to: one `@`, and nothing that ends or lengthens a header or an SMTP command. Quoted local parts and
 * address literals are refused; internationalized addresses are accepted.
 */
const mailAddress = /^[^\s\p{C}<>()[\]\\,;:"@]{1,64}@[^\s\p{C}<>()[\]\\,;:"@-][^\s\p{C}<>()[\]\\,;:"@]{0,252}$/u;

export const isMailAddress = (text: string): boolean => Buffer.byteLength(text) <= 254 && mailAddress.test(text);
