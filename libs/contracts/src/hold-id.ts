const longestId = 255;
/** Names of targets may hold the separators too. */
const part = (name: string): string => name.replace(/[%/,]/g, encodeURIComponent);

/**
 * What a hold of a plan is called, by rules and connectors alike. A name that is too long for an id is told by `digest`: SHA-256, in hex, of the
 * canonical JSON of the text.
 */
export function holdId(digest: (text: string) => string, connector: string, ...parts: readonly string[]): string {
  const id = [connector, ...parts].map(part).join('/');
  return id.length <= longestId ? id : `${id.slice(0, longestId - 72)}/sha256:${digest(id)}`;
}
