/**
 * Whether an object in the JSON text has a duplicate name: `JSON.parse` takes the last one, other parsers the first, so that the same bytes
 * would mean two things. `text` MUST be valid JSON.
 */
export function repeatsName(text: string): boolean {
  const names: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (one === '{') names.push(new Set());
    else if (one === '}') names.pop();
    else if (one === '"') {
      const from = at;
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
      let next = at + 1;
      while (' \t\r\n'.includes(text[next] ?? '-')) next++;
      // A string followed by a colon is a name.
      if (text[next] !== ':') continue;
      const name = JSON.parse(text.slice(from, at + 1)) as string;
      if (names.at(-1)?.has(name)) return true;
      names.at(-1)?.add(name);
    }
  }
  return false;
}
