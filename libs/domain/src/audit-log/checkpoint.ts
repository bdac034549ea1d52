/**
 * Checkpoints as C2SP signed notes (tlog-checkpoint v1.0.0): origin, tree size, base64 root, a blank line, signature lines.
 * Formatting and parsing; signing and verifying are passed in.
 */
import type { LogTools } from './tools.js';
import { hexOf, utf8 } from './tools.js';

export interface Checkpoint {
  /** Name of the log: a URL without a scheme, spaces or `+`. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}
/** The public key of a log; its text form is the C2SP `vkey`. */
export interface LogKey {
  readonly name: string;
  /** First four bytes of SHA-256(name || 0x0A || 0x01 || public key), in hex. */
  readonly id: string;
  readonly publicKey: Uint8Array;
}
type NoteTools = Pick<LogTools, 'sha256' | 'base64' | 'ed25519Verify'>;

const ed25519Type = 0x01;
const signatureMark = '\u2014 ';

/** @throws {TypeError} the name is not allowed in a signature line, or the key is not 32 bytes. */
export function logKey(name: string, publicKey: Uint8Array, tools: Pick<NoteTools, 'sha256'>): LogKey {
  if (!isOrigin(name)) throw new TypeError(`a log cannot be named '${name}': use a URL without scheme, spaces or '+'`);
  if (publicKey.length !== 32) throw new TypeError(`an Ed25519 public key has 32 bytes, not ${publicKey.length}`);
  return { name, publicKey, id: hexOf(tools.sha256(joined(utf8(`${name}\n`), [ed25519Type], publicKey)).subarray(0, 4)) };
}
export const vkeyOf = (key: LogKey, { base64 }: Pick<NoteTools, 'base64'>): string =>
  `${key.name}+${key.id}+${base64.encode(joined([ed25519Type], key.publicKey))}`;

/** Parses a `vkey`. @throws {TypeError} it is not for an Ed25519 key, or its key id does not match its key. */
export function parseVkey(vkey: string, tools: Pick<NoteTools, 'sha256' | 'base64'>): LogKey {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey.trim()) ?? [];
  const bytes = encoded === undefined ? undefined : tools.base64.decode(encoded);
  if (name === undefined || bytes?.length !== 33 || bytes[0] !== ed25519Type)
    throw new TypeError('not a verifier key: expected <name>+<8 hex digits>+<base64 of 0x01 and an Ed25519 key>');
  const key = logKey(name, bytes.subarray(1), tools);
  if (key.id !== id) throw new TypeError(`the verifier key of '${name}' has the id ${id}, but its key gives ${key.id}`);
  return key;
}

/** The text that is signed. */
export const checkpointText = ({ origin, size, root }: Checkpoint, { base64 }: Pick<NoteTools, 'base64'>): string =>
  `${origin}\n${size}\n${base64.encode(root)}\n`;

/** The note: text, blank line, one signature. `sign`: Ed25519 with the private key. */
export function signNote(
  text: string,
  key: LogKey,
  sign: (message: Uint8Array) => Uint8Array,
  { base64 }: Pick<NoteTools, 'base64'>,
): string {
  return `${text}\n${signatureMark}${key.name} ${base64.encode(joined(bytesOfHex(key.id), sign(utf8(text))))}\n`;
}

export type OpenedNote =
  { readonly text: string } | { readonly reason: 'note-malformed' | 'note-unsigned' | 'note-signature-invalid'; readonly message: string };

/** The text of a note that the key has signed. Signatures by other keys are ignored; a wrong one by this key is an error. */
export function openNote(note: string, key: LogKey, tools: NoteTools): OpenedNote {
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return { reason: 'note-malformed', message: 'The note has no blank line before its signatures.' };
  const text = note.slice(0, split + 1);
  let signed = false;
  for (const line of note.slice(split + 2, -1).split('\n')) {
    const [, name, encoded] = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const bytes = encoded === undefined ? undefined : tools.base64.decode(encoded);
    if (name === undefined || !bytes || bytes.length < 5)
      return { reason: 'note-malformed', message: 'A signature line of the note is malformed.' };
    if (name !== key.name || hexOf(bytes.subarray(0, 4)) !== key.id) continue;
    if (!tools.ed25519Verify(key.publicKey, utf8(text), bytes.subarray(4)))
      return { reason: 'note-signature-invalid', message: `The signature of ${key.name} does not match the note.` };
    signed = true;
  }
  return signed ? { text } : { reason: 'note-unsigned', message: `The note has no signature by the key ${key.id} of ${key.name}.` };
}

export type OpenedCheckpoint = { readonly checkpoint: Checkpoint } | { readonly reason: string; readonly message: string };

/** The checkpoint in a note that is signed by the log's key and names this log. */
export function openCheckpoint(note: string, key: LogKey, tools: NoteTools): OpenedCheckpoint {
  const opened = openNote(note, key, tools);
  if (!('text' in opened)) return opened;
  const [origin = '', size = '', root = '', ...rest] = opened.text.split('\n');
  const hash = tools.base64.decode(root);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || hash?.length !== 32 || rest.length === 0)
    return { reason: 'checkpoint-malformed', message: 'The note is not a checkpoint: origin, size and root are expected.' };
  if (origin !== key.name)
    return { reason: 'checkpoint-of-another-log', message: `The checkpoint is of the log ${origin}, not ${key.name}.` };
  return { checkpoint: { origin, size: Number(size), root: hash } };
}

const isOrigin = (name: string): boolean => /^[^+\s]{1,200}$/u.test(name);
const bytesOfHex = (hex: string): number[] => (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
function joined(...parts: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
